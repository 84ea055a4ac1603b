//! What the forward pass opened and compared serves the backward pass, transposes included.

use std::collections::BTreeMap;
use std::sync::Arc;

use tacita_graph::functions::{self, Norm};
use tacita_graph::ops::*;
use tacita_graph::testing::compared_bits;
use tacita_graph::{DType, Graph, NodeId, Role, Visibility, dims, grad, lower, optimize};
use tacita_mpc::TARGET;
use tacita_mpc::{Cost, Plan};

const SAMPLES: usize = 4;

/// x is alice's or secret, w secret.
fn start(shape: &[usize], w: &[usize]) -> (Graph, NodeId, NodeId) {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    graph.owner("bob");
    let x = graph.input("x", &dims(shape), Visibility::Private(alice), Role::Data).unwrap();
    let w = graph.input_of("w", &dims(w), Visibility::Secret, Role::Data, DType::Fixed).unwrap();
    (graph, x, w)
}

fn cost(graph: &Graph) -> Cost {
    let program = lower(&optimize(graph).unwrap(), 16, &TARGET).unwrap();
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

/// How many elements are compared.
fn compared(graph: &Graph) -> usize {
    let program = lower(&optimize(graph).unwrap(), 16, &TARGET).unwrap();
    let compares = program.nodes.iter().filter(|node| compared_bits(&node.op).is_some());
    compares.map(|node| node.shape.iter().product::<usize>()).sum()
}

/// Compares for y and its derivative what it compares for y.
fn compares_once(
    what: &str,
    shape: &[usize],
    f: impl Fn(&mut Graph, NodeId) -> Result<NodeId, tacita_graph::GraphError>,
) {
    // with the fractional bits of a product, and with the session's
    for product in [false, true] {
        let (mut graph, x, w) = start(shape, if product { &shape[shape.len() - 2..] } else { shape });
        let z = match product {
            true => graph.add(MatMul, &[x, w], "z").unwrap(),
            false => graph.add(Add, &[x, w], "z").unwrap(),
        };
        let y = f(&mut graph, z).unwrap();
        graph.keep(y, "y").unwrap();
        let forward = compared(&graph);
        let square = graph.add(Mul, &[y, y], "").unwrap();
        let axes = (0..graph.node(y).ty.rank()).collect();
        let loss = graph.add(Sum { axes, keepdims: false }, &[square], "loss").unwrap();
        let derivative = grad(&mut graph, loss, &[w]).unwrap()[0];
        graph.keep(derivative, "derivative").unwrap();
        assert!(forward > 0, "{what} compares");
        assert_eq!(compared(&graph), forward, "{what}, of a product: {product}");
    }
}

#[test]
fn functions_compare_once() {
    let square: &[usize] = &[5, 5];
    compares_once("Relu", square, |g, x| g.add(Relu, &[x], ""));
    compares_once("Abs", square, |g, x| g.add(Abs, &[x], ""));
    compares_once("Clip", square, |g, x| g.add(Clip { min: Some(-1.0), max: Some(0.5) }, &[x], ""));
    compares_once("Clip from 0", square, |g, x| g.add(Clip { min: Some(0.0), max: Some(6.0) }, &[x], ""));
    compares_once("Clip below", square, |g, x| g.add(Clip { min: None, max: Some(0.5) }, &[x], ""));
    for op in [Op::from(Maximum), Minimum.into()] {
        compares_once(op.name(), square, |g, x| {
            let row = g.add(Slice { starts: vec![0, 0], ends: vec![1, 5], steps: vec![1, 1] }, &[x], "")?;
            g.add(op.clone(), &[x, row], "")
        });
    }
    for n in [2, 5, 9, 18] {
        for axis in [0, 1] {
            compares_once("Max", &[n, n], |g, x| g.add(Max { axis, keepdims: false }, &[x], ""));
            compares_once("Min", &[n, n], |g, x| g.add(Min { axis, keepdims: true }, &[x], ""));
        }
    }
    compares_once("global_max_pool", &[2, 3, 3, 3], |g, x| functions::global_max_pool(g, x, ""));
    compares_once("Sort", square, |g, x| g.add(Sort { axis: 1, descending: false }, &[x], ""));
    compares_once("Softmax", square, |g, x| g.add(Softmax { axis: 1 }, &[x], ""));
    compares_once("LogSoftmax", square, |g, x| g.add(LogSoftmax { axis: 1 }, &[x], ""));
    compares_once("LogSumExp", square, |g, x| g.add(LogSumExp { axis: 1, keepdims: false }, &[x], ""));
    compares_once("leaky_relu", square, |g, x| functions::leaky_relu(g, x, 0.1, ""));
    compares_once("elu", square, |g, x| functions::elu(g, x, 1.0, ""));
    compares_once("hardswish", square, |g, x| functions::hardswish(g, x, ""));
    compares_once("softsign", square, |g, x| functions::softsign(g, x, ""));
    compares_once("norm", square, |g, x| functions::norm(g, x, Norm::One, &[1], false, ""));
    compares_once("std", square, |g, x| functions::std(g, x, &[1], 0, false, ""));
    for kernel in [2, 3] {
        let pool = MaxPool {
            kernel: vec![kernel; 2],
            stride: vec![2; 2],
            pads_begin: vec![0; 2],
            pads_end: vec![0; 2],
            dilation: vec![1; 2],
            ceil_mode: false,
        };
        compares_once("MaxPool", &[1, 1, 7, 7], |g, x| g.add(pool.clone(), &[x], ""));
    }
    compares_once("adaptive_max_pool", &[1, 1, 7, 7], |g, x| functions::adaptive_max_pool(g, x, &[2, 3], ""));
}

/// A weight by which all matrices of a batch are multiplied: what is dealt for its derivative is one product's.
#[test]
fn a_weight_of_a_batch_has_one_product() {
    let cost = |batch: usize, rows: usize| {
        let (mut graph, x, w) = start(&[batch, rows, 3], &[3, 5]);
        let z = graph.add(MatMul, &[x, w], "z").unwrap();
        let y = graph.add(Mul, &[z, z], "y").unwrap();
        let loss = graph.add(Sum { axes: vec![0, 1, 2], keepdims: false }, &[y], "loss").unwrap();
        let derivative = grad(&mut graph, loss, &[w]).unwrap()[0];
        graph.keep(derivative, "derivative").unwrap();
        let cost = cost(&graph);
        (cost.offline_bytes, cost.online_bytes)
    };
    assert_eq!(cost(8, 2), cost(1, 16));
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
