//! What the forward pass opened and compared serves the backward pass, transposes included.

use std::collections::BTreeMap;
use std::sync::Arc;

use tacita_graph::ops::{AveragePool, MatMul, MaxPool, Mul, Relu, Sum};
use tacita_graph::{Graph, Kind, NodeId, Role, Visibility, dims, grad, lower, optimize};
use tacita_mpc::{Cost, Plan};

const SAMPLES: usize = 4;

/// x is alice's or secret, w secret.
fn start(shape: &[usize], w: &[usize]) -> (Graph, NodeId, NodeId) {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    graph.owner("bob");
    let x = graph.input("x", &dims(shape), Visibility::Private(alice), Role::Data).unwrap();
    let w = graph.input_of("w", &dims(w), Visibility::Secret, Role::Data, Kind::Fixed).unwrap();
    (graph, x, w)
}

fn cost(graph: &Graph) -> Cost {
    let program = lower(&optimize(graph).unwrap(), 16).unwrap();
    let names = ["alice".to_owned(), "bob".to_owned()];
    Plan::new(Arc::new(program), &names, BTreeMap::new()).unwrap().cost()
}

/// What the derivative with respect to w of the sum of y costs more than y alone: bytes that bob sends, and rounds.
fn backward(mut graph: Graph, y: NodeId, w: NodeId) -> (u64, u32) {
    graph.keep(y, "y").unwrap();
    let forward = cost(&graph);
    let axes = (0..graph.node(y).ty.rank()).collect();
    let loss = graph.add(Sum { axes, keepdims: false }, &[y], "loss").unwrap();
    let derivative = grad(&mut graph, loss, &[w]).unwrap()[0];
    graph.keep(derivative, "derivative").unwrap();
    let both = cost(&graph);
    (both.online_bytes[1] - forward.online_bytes[1], both.rounds - forward.rounds)
}

#[test]
fn a_layer_opens_what_reaches_it_and_nothing_again() {
    let (mut graph, x, w) = start(&[SAMPLES, 3], &[3, 5]);
    let z = graph.add(MatMul, &[x, w], "z").unwrap();
    let y = graph.add(Relu, &[z], "y").unwrap();
    let (bytes, rounds) = backward(graph, y, w);
    // what passes ReLU's gate, and the derivative, which is truncated; not x, not its transpose, and no comparison
    assert_eq!(bytes, 8 * (SAMPLES * 5 + 3 * 5) as u64);
    assert!(rounds <= 2, "{rounds} rounds more");
}

#[test]
fn a_square_opens_what_is_truncated_anew() {
    let (mut graph, x, w) = start(&[SAMPLES, 3], &[3, 5]);
    let z = graph.add(MatMul, &[x, w], "z").unwrap();
    let y = graph.add(Mul, &[z, z], "y").unwrap();
    let (bytes, _) = backward(graph, y, w);
    // dy/dz = 2 z, of which the untruncated product is open: 2 z truncated, and the derivative 2 xᵀz
    assert_eq!(bytes, 8 * (SAMPLES * 5 + 3 * 5) as u64);
}

#[test]
fn pooling_compares_once() {
    let pool = |kernel: usize| MaxPool {
        kernel: vec![kernel; 2],
        stride: vec![2; 2],
        pads_begin: vec![0; 2],
        pads_end: vec![0; 2],
        dilation: vec![1; 2],
        ceil_mode: false,
    };
    for kernel in [2, 3] {
        let (mut graph, x, w) = start(&[1, 1, 7, 7], &[7, 7]);
        let z = graph.add(MatMul, &[x, w], "z").unwrap();
        let y = graph.add(pool(kernel), &[z], "y").unwrap();
        let compared = |graph: &Graph| {
            let program = lower(&optimize(graph).unwrap(), 16).unwrap();
            let compares = |op: &tacita_graph::RingOp| tacita_graph::testing::compared_bits(op).is_some();
            program.nodes.iter().filter(|node| compares(&node.op)).count()
        };
        graph.keep(y, "y").unwrap();
        let forward = compared(&graph);
        let loss = graph.add(Sum { axes: vec![0, 1, 2, 3], keepdims: false }, &[y], "loss").unwrap();
        let derivative = grad(&mut graph, loss, &[w]).unwrap()[0];
        graph.keep(derivative, "derivative").unwrap();
        assert_eq!(compared(&graph), forward, "windows of {kernel}");
    }
}

#[test]
fn means_are_public_factors() {
    let (mut graph, x, w) = start(&[1, 1, 6, 6], &[6, 6]);
    let z = graph.add(MatMul, &[x, w], "z").unwrap();
    let pool = AveragePool {
        kernel: vec![2; 2],
        stride: vec![2; 2],
        pads_begin: vec![0; 2],
        pads_end: vec![0; 2],
        ceil_mode: false,
        count_include_pad: true,
    };
    let y = graph.add(pool, &[z], "y").unwrap();
    let (bytes, _) = backward(graph, y, w);
    // what reaches z is public: xᵀ times it is linear
    assert!(bytes <= 8 * 36, "{bytes} bytes");
}
