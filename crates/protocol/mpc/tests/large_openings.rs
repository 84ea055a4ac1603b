//! Openings of more than a frame: in parts, the same bits and bytes.

mod common;

use common::compare::compare;
use common::{Case, recording};
use ndarray::{ArrayD, IxDyn};
use tacita_graph::testing::Random;
use tacita_graph::{DType, Graph, Inputs, Interval, Role, Visibility, dims, ops};
use tacita_mpc::Hooks;
use tacita_net::FrameKind;

/// Words of a part.
const PART: usize = 1 << 18;

/// Signs of so many small sums, which are opened in a byte each, and products of as many numbers with weights, truncated.
fn graph(signs: usize, products: usize) -> (Graph, Inputs) {
    let mut graph = Graph::new();
    let owners = [graph.owner("alice"), graph.owner("bob")];
    let mut random = Random::new(signs as u64);
    let mut inputs = Inputs::new();
    let mut input = |graph: &mut Graph, name: &str, owner: usize, n: usize, dtype: DType, role: Role| {
        let range = (dtype == DType::Int).then_some(Interval::new(-30.0, 30.0));
        let visibility = Visibility::Private(owners[owner]);
        let data = ArrayD::from_shape_simple_fn(IxDyn(&[n]), || {
            let x = 60.0 * random.unit() - 30.0;
            if dtype == DType::Int { x.round() } else { x }
        });
        inputs.insert(name.to_owned(), data);
        let input = ops::Input { shape: dims(&[n]), visibility, role, range, dtype };
        graph.add(input, &[], name).unwrap()
    };
    let a = input(&mut graph, "a", 0, signs, DType::Int, Role::Data);
    let b = input(&mut graph, "b", 1, signs, DType::Int, Role::Data);
    let x = input(&mut graph, "x", 0, products, DType::Fixed, Role::Data);
    let w = input(&mut graph, "w", 1, products, DType::Fixed, Role::Parameter);
    let less = graph.add(ops::Less, &[a, b], "less").unwrap();
    let product = graph.add(ops::Mul, &[x, w], "product").unwrap();
    graph.reveal(less, &[owners[0]], "signs").unwrap();
    graph.reveal(product, &[owners[1]], "products").unwrap();
    (graph, inputs)
}

#[test]
fn what_is_opened_in_parts_is_the_same() {
    let (signs, products) = (8 * PART + 100, 2 * PART + 1);
    let (graph, inputs) = graph(signs, products);
    for case in [
        Case::new(&graph, 2, 16),
        Case::new(&graph, 3, 16),
        Case::with_data_owners(&graph, &["carol", "dave"], &["alice", "bob"], 16),
    ] {
        compare(&case, &inputs, 1);
    }
}

#[test]
fn no_part_is_longer_than_it_may_be() {
    let (signs, products) = (8 * PART + 100, 2 * PART + 1);
    let (graph, inputs) = graph(signs, products);
    let case = Case::new(&graph, 2, 16);
    let (config, sent) = recording(Hooks::default());
    case.run(&inputs, &config, 1);
    let sent = sent.lock().unwrap();
    let words = |name: &str, dtype: FrameKind, sender: usize| -> Vec<usize> {
        let node = case.graph.ids().find(|&id| case.graph.label(id) == name).unwrap();
        let is_nodes = |frame: &tacita_net::Frame| {
            let task = frame.header.task;
            frame.header.kind == dtype && case.plan.inspect(1, task, 0).node == Some(node)
        };
        let frames = sent.iter().filter(|(from, _, frame)| *from == sender && is_nodes(frame));
        frames.map(|(_, _, frame)| frame.payload.words().len()).collect()
    };
    assert_eq!(words("x", FrameKind::Opening, 0), [PART, PART, 1]);
    assert_eq!(words("w", FrameKind::Opening, 1), [PART, PART, 1], "a weight");
    assert_eq!(words("less", FrameKind::Opening, 0)[..2], [PART, 13], "a byte each, then the leaves");
    assert_eq!(words("products", FrameKind::Reveal, 0), [PART, PART, 1]);
    assert_eq!(words("signs", FrameKind::Reveal, 1), [signs.div_ceil(64)]);
}
