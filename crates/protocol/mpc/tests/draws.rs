//! What nobody knows: computed alike by parties and `fixed`, never twice the same, unknown to the dealer.

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::compare::compare;
use common::{Case, Sent, fixed_seed, recording};
use ndarray::{ArrayD, IxDyn};
use tacita_graph::{Graph, GraphError, Inputs, NodeId, Role, Visibility, dims, functions, ops};
use tacita_mpc::{Config, Hooks, Overrides, Revealed, StreamId, Use};

/// A graph that reveals what `build` makes of a private vector to both.
fn graph(build: impl Fn(&mut Graph, NodeId) -> Result<NodeId, GraphError>) -> Graph {
    let mut graph = Graph::new();
    let [alice, bob] = ["alice", "bob"].map(|name| graph.owner(name));
    let x = graph.input("x", &dims(&[70]), Visibility::Private(alice), Role::Data).unwrap();
    let y = build(&mut graph, x).unwrap();
    graph.reveal(y, &[alice], "to alice").unwrap();
    graph.reveal(y, &[alice, bob], "to both").unwrap();
    graph
}

fn inputs() -> Inputs {
    let x = ArrayD::from_shape_fn(IxDyn(&[70]), |i| i[0] as f64 / 8.0 - 4.0);
    Inputs::from([("x".to_owned(), x)])
}

type Build = fn(&mut Graph, NodeId) -> Result<NodeId, GraphError>;

const ALL: [(&str, Build); 7] = [
    ("uniform", |g, _| functions::uniform(g, &dims(&[5, 120]), 0.0, 1.0, "")),
    ("uniform of another width", |g, _| functions::uniform(g, &dims(&[5, 14]), -1.0, 2.0, "")),
    ("bernoulli", |g, _| functions::bernoulli(g, &dims(&[5, 120]), 0.3, "")),
    ("a fair bit", |g, _| functions::bernoulli(g, &dims(&[600]), 0.5, "")),
    ("normal", |g, _| functions::normal(g, &dims(&[3, 5]), 1.0, 2.0, "")),
    ("dropout", |g, x| functions::dropout(g, x, 0.25, "")),
    ("noise on a product", |g, x| {
        let noise = functions::normal(g, &dims(&[70]), 0.0, 1.0, "")?;
        let square = g.add(ops::Mul {}, &[x, x], "")?;
        let noisy = g.add(ops::Add {}, &[square, noise], "")?;
        functions::dropout(g, noisy, 0.5, "")
    }),
];

#[test]
fn parties_compute_what_fixed_does_and_measure_what_the_plan_costs() {
    for (name, build) in ALL {
        for parties in 2..=4 {
            println!("{name} of {parties}");
            compare(&Case::new(&graph(build), parties, 16), &inputs(), 3);
        }
        compare(&Case::with_data_owners(&graph(build), &["bob", "carol"], &["alice"], 16), &inputs(), 4);
    }
}

/// What Alice receives in the runs of a session.
fn results(case: &Case, config: &Config, runs: usize) -> Vec<Vec<u64>> {
    let outcomes = case.run(&inputs(), config, runs);
    let words = |revealed: &Revealed| match revealed {
        Revealed::Ring(tensor) => tensor.data().to_vec(),
        Revealed::Bits(bits) => bits.to_ring(0),
    };
    outcomes.iter().map(|(outcome, _)| words(outcome[0].revealed.values().next().unwrap())).collect()
}

#[test]
fn nothing_is_drawn_twice() {
    let two: Build = |g, _| {
        // one program, two draws: [U, V]
        let shape = dims(&[1, 64]);
        let both = [(); 2].map(|()| functions::uniform(g, &shape, 0.0, 1.0, "").unwrap());
        g.add(ops::Concat { axis: 0 }, &both, "")
    };
    for build in [two, |g, _| functions::bernoulli(g, &dims(&[2, 300]), 0.3, "")] {
        for parties in 2..=3 {
            let case = Case::new(&graph(build), parties, 16);
            let mut all = Vec::new();
            for _ in 0..2 {
                for run in results(&case, &Config::default(), 3) {
                    let half = run.len() / 2;
                    all.extend(run.chunks(half).map(<[u64]>::to_vec).collect::<Vec<_>>());
                }
            }
            assert_eq!(all.len(), 12);
            for (i, a) in all.iter().enumerate() {
                // of 64 numbers of 16 bits, or 300 bits, all are the same with probability below 2^-200
                assert!(all[..i].iter().all(|b| a != b), "the same was drawn twice: {i}");
            }
        }
    }
}

#[test]
fn what_is_dealt_does_not_depend_on_what_is_drawn_and_one_party_moves_it() {
    let build: Build = |g, _| {
        let noise = functions::uniform(g, &dims(&[70]), -1.0, 2.0, "")?;
        functions::dropout(g, noise, 0.3, "")
    };
    let case = Case::new(&graph(build), 3, 16);
    let overrides: Overrides = Arc::new(Mutex::new(BTreeMap::new()));
    let observe = || {
        let hooks = Hooks {
            insecure_fixed_seed: Some(fixed_seed(1)),
            overrides: Some(overrides.clone()),
            ..Hooks::default()
        };
        let (config, sent) = recording(hooks);
        let result = results(&case, &config, 1);
        let sent = sent.lock().unwrap();
        let dealt: Vec<Sent> = sent.iter().filter(|(from, ..)| *from == 3).cloned().collect();
        (result, dealt)
    };
    let (before, dealt) = observe();
    for party in 0..3 {
        for task in 0..100 {
            let own = StreamId::Evaluation { evaluation: 1, task, purpose: Use::Own };
            let words = (0..128).map(|i| blake3_word(party as u64, u64::from(task), i)).collect();
            overrides.lock().unwrap().insert((party, own), words);
        }
        let (after, dealt_then) = observe();
        assert_ne!(before, after, "party {party} contributes");
        assert_eq!(dealt.len(), dealt_then.len());
        for (a, b) in dealt.iter().zip(&dealt_then) {
            assert_eq!(a.2.payload.bytes(), b.2.payload.bytes(), "the dealer does not know contributions");
        }
        overrides.lock().unwrap().clear();
    }
}

fn blake3_word(party: u64, task: u64, i: u64) -> u64 {
    let hash = blake3::hash(&[party, task, i].map(u64::to_le_bytes).concat());
    u64::from_le_bytes(*hash.as_bytes().first_chunk().unwrap())
}

#[test]
fn costs_are_what_the_documentation_says() {
    const N: u64 = 640;
    let cost = |build: Build| {
        let case = Case::new(&graph(build), 2, 16);
        let cost = case.plan.cost();
        let dtype = case.program.node(case.program.node(case.program.reveals()[0]).inputs[0]).ty;
        let reveal = if matches!(dtype, tacita_program::RingType::Ring { .. }) { 8.0 } else { 0.125 };
        // bob sends what he reveals to alice twice, alice once
        let [alice, bob] = [0, 1].map(|party| cost.online_bytes[party] as f64 / N as f64);
        assert_eq!(alice - reveal, bob - 2.0 * reveal);
        (cost.rounds - 1, alice - reveal, cost.offline_bytes as f64 / N as f64)
    };
    assert_eq!(cost(|g, _| functions::uniform(g, &dims(&[N as usize]), 0.0, 1.0, "")), (1, 2.0, 128.0));
    assert_eq!(cost(|g, _| functions::bernoulli(g, &dims(&[N as usize]), 0.3, "")), (3, 16.25, 82.25));
    assert_eq!(cost(|g, _| functions::bernoulli(g, &dims(&[N as usize]), 0.5, "")), (0, 0.0, 0.0));
}

#[test]
fn parties_draw_uniform_numbers_and_bits_of_their_probability() {
    // operating system's randomness: each limit is exceeded by chance with probability below 10^-9
    const N: usize = 20_000;
    for parties in 2..=3 {
        let uniform = graph(|g, _| functions::uniform(g, &dims(&[N]), 0.0, 1.0, ""));
        let mut drawn = results(&Case::new(&uniform, parties, 16), &Config::default(), 1).remove(0);
        drawn.sort_unstable();
        let at = |(i, &x): (usize, &u64)| (x as f64 / 65536.0 - i as f64 / N as f64).abs();
        let d = drawn.iter().enumerate().map(at).fold(0.0, f64::max);
        assert!(d < 3.3 / (N as f64).sqrt() + 1.0 / N as f64 + 1.0 / 65536.0, "{d}");
        for p in [0.5, 0.3] {
            let bits = graph(|g, _| functions::bernoulli(g, &dims(&[N]), p, ""));
            let ones: u64 = results(&Case::new(&bits, parties, 16), &Config::default(), 1)[0].iter().sum();
            let z = (ones as f64 - p * N as f64) / (p * (1.0 - p) * N as f64).sqrt();
            assert!(z.abs() < 6.2, "{ones} of {N} with probability {p}");
        }
    }
}
