//! What crosses the links, before encryption, says nothing about inputs.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use common::{Case, Sent, fixed_seed, recording};
use ndarray::{ArrayD, IxDyn};
use tacita_graph::testing::{Random, random_case};
use tacita_graph::{DType, Graph, Inputs, Op, Role, Visibility, dims, functions, ops};
use tacita_mpc::{Hooks, Item, MaskRounding, Overrides, Plan, StreamId, Use};
use tacita_net::FrameKind;

/// A network with every primitive but sorting, whose opened outcomes are another matter (`order.rs`): products with a private
/// weight and of secrets, truncation, ReLU, a maximum of six, argmax, comparison and selection, functions that are harmonics,
/// exponentials and thresholds, equality, exact rounding, products of bits, a look-up, what nobody knows; revealed to Alice.
fn network() -> Graph {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x = graph.input("x", &dims(&[3, 4]), Visibility::Private(alice), Role::Data).unwrap();
    let w = graph.input("w", &dims(&[4, 6]), Visibility::Private(bob), Role::Parameter).unwrap();
    let y = graph.add(ops::MatMul {}, &[x, w], "y").unwrap();
    let relu = graph.add(ops::Relu {}, &[y], "relu").unwrap();
    let square = graph.add(ops::Mul {}, &[relu, relu], "square").unwrap();
    let max = graph.add(ops::Max { axis: 1, keepdims: true }, &[square], "max").unwrap();
    let less = graph.add(ops::Less {}, &[relu, max], "less").unwrap();
    let select = graph.add(ops::Select {}, &[less, relu, max], "select").unwrap();
    let label = graph.add(ops::ArgMax { axis: 1, keepdims: false }, &[y], "label").unwrap();
    let sigmoid = graph.add(ops::Sigmoid {}, &[y], "sigmoid").unwrap();
    let exp = graph.add(ops::Exp {}, &[sigmoid], "exp").unwrap();
    let root = graph.add(ops::Rsqrt {}, &[exp], "root").unwrap();
    let floor = graph.add(ops::Floor {}, &[y], "floor").unwrap();
    let equal = graph.add(ops::Equal {}, &[floor, relu], "equal").unwrap();
    let both = graph.add(ops::And {}, &[equal, less], "both").unwrap();
    let chosen = graph.add(ops::Select {}, &[both, root, floor], "chosen").unwrap();
    let one_hot = graph.add(ops::OneHot { depth: 4 }, &[label], "one-hot").unwrap();
    graph.reveal(chosen, &[alice], "chosen revealed").unwrap();
    graph.reveal(one_hot, &[alice], "one-hot revealed").unwrap();
    let noise = functions::uniform(&mut graph, &dims(&[3, 6]), -1.0, 2.0, "noise").unwrap();
    let noisy = graph.add(ops::Add {}, &[select, noise], "noisy").unwrap();
    let dropped = functions::dropout(&mut graph, noisy, 0.3, "dropped").unwrap();
    graph.reveal(dropped, &[alice], "selected").unwrap();
    graph.reveal(label, &[alice], "label revealed").unwrap();
    graph
}

fn data(seed: u64, scale: f64) -> Inputs {
    let mut random = Random::new(seed);
    let mut array =
        |shape: &[usize]| ArrayD::from_shape_simple_fn(IxDyn(shape), || scale * (random.unit() - 0.5));
    Inputs::from([("x".to_owned(), array(&[3, 4])), ("w".to_owned(), array(&[4, 6]))])
}

/// Two to four parties, or two who compute for owners that do not.
fn members(graph: &Graph, seed: u64) -> Case {
    match seed % 4 {
        3 => Case::with_data_owners(graph, &["dave", "alice"], &["bob", "carol"], 16),
        more => Case::new(graph, 2 + more as usize, 16),
    }
}

/// The headers that each member sent, in order.
fn shapes(sent: &[Sent]) -> BTreeMap<usize, Vec<(usize, tacita_net::FrameHeader)>> {
    let mut by_sender = BTreeMap::<_, Vec<_>>::new();
    for (from, to, frame) in sent {
        by_sender.entry(*from).or_default().push((*to, frame.header));
    }
    by_sender
}

#[test]
fn the_sequence_of_frames_does_not_depend_on_inputs() {
    for seed in 0..60 {
        let random = random_case(seed, 10);
        let case = members(&random.graph, seed);
        let mut other = random.inputs.clone();
        for id in random.graph.inputs() {
            let node = random.graph.node(id);
            let Some(value) = other.get_mut(&node.name) else { continue };
            let Op::Input(ops::Input { range, .. }) = node.op else { unreachable!("an input") };
            let changed = value.to_f64().mapv(|v| {
                let v = if node.ty.dtype == DType::Fixed { (0.75 - v) / 2.0 } else { 1.0 - v };
                range.map_or(v, |range| v.clamp(range.min, range.max))
            });
            *value = changed.into();
        }
        let observe = |inputs: &Inputs| {
            let (config, sent) = recording(Hooks::default());
            case.run(inputs, &config, 2);
            let sent = sent.lock().unwrap();
            shapes(&sent)
        };
        assert_eq!(observe(&random.inputs), observe(&other), "graph {seed}");
    }
}

/// Largest chi-squared statistic over all byte positions of frames of some kinds, as a z-score, and how many positions.
fn most_uneven(
    case: &Case,
    runs: usize,
    kinds: &[FrameKind],
    insecure_fixed_seed: Option<[u8; 32]>,
) -> (f64, usize) {
    let inputs = data(5, 8.0);
    let mut counts: BTreeMap<(usize, usize, u32, u16), Vec<[u32; 256]>> = BTreeMap::new();
    for _ in 0..runs {
        let (config, sent) = recording(Hooks { insecure_fixed_seed, ..Hooks::default() });
        case.run(&inputs, &config, 1);
        for (from, to, frame) in
            sent.lock().unwrap().iter().filter(|(_, _, f)| kinds.contains(&f.header.kind))
        {
            let bytes = frame.payload.bytes();
            let key = (*from, *to, frame.header.task, frame.header.step);
            let histogram = counts.entry(key).or_insert_with(|| vec![[0; 256]; bytes.len()]);
            for (byte, count) in bytes.iter().zip(histogram) {
                count[*byte as usize] += 1;
            }
        }
    }
    let expected = runs as f64 / 256.0;
    let z = |count: &[u32; 256]| {
        let chi: f64 = count.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        (chi - 255.0) / (2.0f64 * 255.0).sqrt()
    };
    let positions = counts.values().map(Vec::len).sum();
    (counts.values().flatten().map(z).fold(f64::MIN, f64::max), positions)
}

#[test]
fn every_payload_byte_is_uniform() {
    // The statistic has 255 degrees of freedom. Its upper tail at z = 8 is below 1e-11 a position (chi-squared is
    // heavier than the normal law), so below 1e-6 for all.
    let apart = Case::with_data_owners(&network(), &["carol", "dave"], &["alice", "bob"], 16);
    for case in [Case::new(&network(), 2, 16), apart] {
        let (z, positions) = most_uneven(&case, 2000, &[FrameKind::Opening, FrameKind::Correction], None);
        assert!(positions > 10_000, "only {positions} positions");
        assert!(z < 8.0, "a byte position is off by z = {z:.1} over {positions} positions");
    }
}

#[test]
fn the_detector_sees_masks_that_are_used_again() {
    // sessions of one seed send the same masked bytes: each looks random, together they do not
    let case = Case::new(&network(), 2, 16);
    let (z, _) = most_uneven(&case, 300, &[FrameKind::Opening], Some(fixed_seed(3)));
    assert!(z > 100.0, "z = {z:.1}");
}

/// `share += difference` in the arithmetic of a dealt item or an opening.
fn shift(mask: &mut [u64], wanted: &[u64], got: &[u64], arithmetic: Option<Item>, sign: bool) {
    let lanes = |width: u32, m: u64, a: u64, b: u64| {
        let low = u64::MAX >> (64 - width);
        (0..64 / width).fold(0, |word, lane| {
            let at = |x: u64| x >> (lane * width) & low;
            word | (at(m).wrapping_add(at(a)).wrapping_sub(at(b)) & low) << (lane * width)
        })
    };
    for ((m, &w), &g) in mask.iter_mut().zip(wanted).zip(got) {
        let (a, b) = if sign { (w, g) } else { (g, w) };
        *m = match arithmetic {
            Some(Item::Bits(_)) => *m ^ w ^ g,
            Some(Item::Narrow { width, .. }) => lanes(width, *m, a, b),
            _ => m.wrapping_add(a).wrapping_sub(b),
        };
    }
}

/// The stream of Alice that a frame to Bob is masked by, and its arithmetic.
fn cover(plan: &Plan, frame: &tacita_net::Frame) -> (StreamId, Option<Item>, bool, u32) {
    let header = frame.header;
    let inspection = plan.inspect(header.evaluation, header.task, header.step);
    match header.kind {
        FrameKind::Correction => {
            let purpose = Use::Dealt(header.step);
            let stream = StreamId::Evaluation { evaluation: header.evaluation, task: header.task, purpose };
            (stream, inspection.item, false, 2 * plan.inspect(header.evaluation, header.task, 0).round)
        }
        _ => (inspection.mask, inspection.opening, true, 2 * inspection.round + 1),
    }
}

#[test]
fn bobs_view_is_the_same_for_any_input_of_alice() {
    let (first, mut second) = (data(5, 8.0), data(99, 5.0));
    second.insert("w".to_owned(), first["w"].clone());
    assert_same_view(&first, &second, &BTreeMap::new());
}

#[test]
fn bobs_view_is_the_same_whatever_is_drawn() {
    // other contributions of Alice to all that is drawn
    let mut random = Random::new(3);
    let own = |task| StreamId::Evaluation { evaluation: 1, task, purpose: Use::Own };
    let words = |random: &mut Random| (0..64).map(|_| random.word()).collect();
    let drawn = (0..1000).map(|task| ((0, own(task)), words(&mut random))).collect();
    let inputs = data(5, 8.0);
    assert_same_view(&inputs, &inputs, &drawn);
}

/// Bob sees the same of two runs whose results differ, in Alice's inputs or in what she contributes to draws.
fn assert_same_view(first: &Inputs, second: &Inputs, drawn: &BTreeMap<(usize, StreamId), Vec<u64>>) {
    let case = Case::new(&network(), 2, 16);
    let overrides: Overrides = Arc::new(Mutex::new(BTreeMap::new()));
    let hooks = Hooks {
        insecure_fixed_seed: Some(fixed_seed(1)),
        overrides: Some(overrides.clone()),
        ..Hooks::default()
    };
    let view = |inputs: &Inputs| {
        let (config, sent) = recording(hooks.clone());
        let outcome = case.run(inputs, &config, 1).remove(0).0;
        let to_bob: Vec<Sent> = sent.lock().unwrap().iter().filter(|(_, to, _)| *to == 1).cloned().collect();
        let by = |from: usize| to_bob.iter().filter(|s| s.0 == from).cloned().collect::<Vec<_>>();
        (by(0).into_iter().chain(by(2)).collect::<Vec<Sent>>(), outcome)
    };
    let (wanted, before) = view(first);
    overrides.lock().unwrap().extend(drawn.clone());
    // Move Alice's masks and shares, earliest frames first, until Bob sees the same bytes. Each move changes only what
    // Alice and the dealer hold, and each value it takes is as likely as the one before.
    for pass in 0.. {
        assert!(pass < 300, "Bob's view does not converge: it depends on Alice's secrets");
        let (got, after) = view(second);
        assert_eq!(wanted.len(), got.len());
        let differing: Vec<_> = wanted
            .iter()
            .zip(&got)
            .filter(|(a, b)| a.2.payload.bytes() != b.2.payload.bytes())
            .map(|(a, b)| (cover(&case.plan, &a.2), a, b))
            .collect();
        let Some(earliest) = differing.iter().map(|((_, _, _, level), _, _)| *level).min() else {
            assert!(pass > 0, "Alice's secrets differ, and so must what she sends without a move");
            let label =
                |outcome: &[tacita_mpc::Outcome]| outcome[0].revealed.values().cloned().collect::<Vec<_>>();
            assert!(label(&before) != label(&after), "the results differ");
            return;
        };
        let (config, _) = recording(hooks.clone());
        let public = case.leaves(first).1;
        let streams = MaskRounding::new(&case.plan, &config, &public, 1).unwrap();
        for ((stream, arithmetic, sign, level), a, b) in differing {
            if level != earliest {
                continue;
            }
            let mut mask = streams.stream(0, stream, a.2.payload.words().len()).unwrap();
            shift(&mut mask, a.2.payload.words(), b.2.payload.words(), arithmetic, sign);
            overrides.lock().unwrap().insert((0, stream), mask);
        }
    }
}

#[test]
fn no_mask_opens_two_values() {
    let mut openings = 0;
    for seed in 0..40 {
        let random = random_case(seed, 10);
        let case = members(&random.graph, seed);
        let (config, sent) = recording(Hooks::default());
        case.run(&random.inputs, &config, 3);
        let mut ledger: HashMap<(usize, StreamId), Vec<u8>> = HashMap::new();
        for (from, _, frame) in sent.lock().unwrap().iter().filter(|s| s.2.header.kind == FrameKind::Opening)
        {
            let header = frame.header;
            let mask = case.plan.inspect(header.evaluation, header.task, header.step).mask;
            let opened = ledger.entry((*from, mask)).or_insert_with(|| frame.payload.bytes().to_vec());
            assert_eq!(
                opened,
                frame.payload.bytes(),
                "graph {seed}: {mask:?} of member {from} opens two values"
            );
            openings += 1;
        }
    }
    assert!(openings > 1000, "only {openings} openings");
}

#[test]
fn evaluations_of_a_session_share_nothing_but_weights() {
    let case = Case::new(&network(), 2, 16);
    let (config, sent) = recording(Hooks::default());
    case.run(&data(5, 8.0), &config, 2);
    let sent = sent.lock().unwrap();
    let of = |number: u64| {
        let frames = sent.iter().filter(move |s| s.2.header.evaluation == number);
        frames
            .map(|s| ((s.0, s.1, s.2.header.task, s.2.header.step), s.2.payload.bytes()))
            .collect::<BTreeMap<_, _>>()
    };
    let (one, two) = (of(1), of(2));
    assert!(one.len() > two.len(), "weights are opened in the first alone");
    for (key, bytes) in two {
        assert_ne!(one[&key], bytes, "the same bytes twice: {key:?}");
    }
}

#[test]
fn the_dealer_is_sent_nothing_of_an_evaluation_and_a_data_owner_its_results_alone() {
    let case = Case::with_data_owners(&network(), &["carol", "dave"], &["alice", "bob"], 16);
    let (config, sent) = recording(Hooks::default());
    case.run(&data(5, 8.0), &config, 2);
    let sent = sent.lock().unwrap();
    assert!(sent.iter().all(|(_, to, _)| *to != 2), "the dealer is member 2");
    let to_owners: Vec<&Sent> = sent.iter().filter(|(_, to, _)| *to > 2).collect();
    // alice, member 3, receives four values from two parties twice; bob nothing
    assert_eq!(to_owners.len(), 16);
    assert!(to_owners.iter().all(|(_, to, frame)| *to == 3 && frame.header.kind == FrameKind::Reveal));
}
