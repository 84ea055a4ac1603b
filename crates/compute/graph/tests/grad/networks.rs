//! Networks, and derivatives of derivatives.

use tacita_graph::functions::{einsum, layer_norm, softmax};
use tacita_graph::ops::*;
use tacita_graph::{Graph, GraphError, NodeId, dims, grad};

use crate::setting::Setting;

/// The derivative of a loss that the derivatives of y with respect to `shapes` make.
fn twice(what: &str, shapes: &[&[usize]], f: impl Fn(&mut Graph, &[NodeId]) -> Result<NodeId, GraphError>) {
    let mut s = Setting::new(4);
    let x: Vec<NodeId> = shapes.iter().map(|shape| s.input(shape)).collect();
    let y = f(&mut s.graph, &x).unwrap();
    let loss = s.loss(y);
    let first = grad(&mut s.graph, loss, &x).unwrap();
    let losses: Vec<NodeId> = first.iter().map(|&first| s.loss(first)).collect();
    let sum = losses.into_iter().reduce(|a, b| s.graph.add(Add, &[a, b], "").unwrap()).unwrap();
    s.check(sum, &x, what);
}

#[test]
fn of_derivatives() {
    let shape: &[usize] = &[2, 3];
    twice("x³", &[shape], |g, x| {
        let square = g.add(Mul, &[x[0], x[0]], "")?;
        g.add(Mul, &[square, x[0]], "")
    });
    for op in
        [Op::from(Sigmoid), Tanh.into(), Silu.into(), Softplus.into(), Erf.into(), Sin.into(), Exp.into()]
    {
        twice(op.name(), &[shape], |g, x| g.add(op.clone(), x, ""));
    }
    for op in [Op::from(Softmax { axis: 1 }), LogSoftmax { axis: 1 }.into(), Gelu { tanh: false }.into()] {
        twice(op.name(), &[shape], |g, x| g.add(op.clone(), x, ""));
    }
    twice("Normalize", &[shape], |g, x| {
        g.add(Normalize { axes: vec![1], epsilon: 0.5, centre: true }, &[x[0]], "")
    });
    twice("MatMul and Relu", &[shape, &[3, 4]], |g, x| {
        let z = g.add(MatMul, x, "")?;
        let h = g.add(Relu, &[z], "")?;
        g.add(Mul, &[h, h], "")
    });
    twice("Conv", &[&[1, 2, 5], &[2, 1, 2]], |g, x| {
        let conv =
            Conv { stride: vec![2], pads_begin: vec![1], pads_end: vec![0], dilation: vec![1], groups: 2 };
        let y = g.add(conv, x, "")?;
        g.add(Mul, &[y, y], "")
    });
}

#[test]
fn of_a_convolutional_network() {
    for seed in 0..5 {
        let mut s = Setting::new(seed);
        let (x, t) = (s.input(&[2, 1, 8, 8]), s.input(&[2, 3]));
        let (kernel, bias, w) = (s.input(&[2, 1, 3, 3]), s.input(&[2]), s.input(&[18, 3]));
        let conv = Conv {
            stride: vec![1, 1],
            pads_begin: vec![0, 0],
            pads_end: vec![0, 0],
            dilation: vec![1, 1],
            groups: 1,
        };
        let pool = MaxPool {
            kernel: vec![2, 2],
            stride: vec![2, 2],
            pads_begin: vec![0, 0],
            pads_end: vec![0, 0],
            dilation: vec![1, 1],
            ceil_mode: false,
        };
        let g = &mut s.graph;
        let z = g.add(conv, &[x, kernel, bias], "").unwrap();
        let h = g.add(Relu, &[z], "").unwrap();
        let h = g.add(pool, &[h], "").unwrap();
        let flat = g.add(Reshape { shape: dims(&[2, 18]) }, &[h], "").unwrap();
        let logits = g.add(MatMul, &[flat, w], "").unwrap();
        let chance = g.add(LogSoftmax { axis: 1 }, &[logits], "").unwrap();
        let chosen = g.add(Mul, &[chance, t], "").unwrap();
        let loss = g.add(Mean { axes: vec![0, 1], keepdims: false }, &[chosen], "").unwrap();
        // bounds of the worst case grow from layer to layer, and say little of most elements here
        s.compare(loss, &[x, kernel, bias, w], "convolutional network");
    }
}

#[test]
fn of_attention() {
    let mut s = Setting::new(2);
    let x = s.input(&[2, 3, 4]);
    let w: Vec<NodeId> = (0..3).map(|_| s.input(&[4, 4])).collect();
    let (gamma, beta) = (s.input(&[4]), s.input(&[4]));
    let g = &mut s.graph;
    let normal = layer_norm(g, x, &[-1], Some(gamma), Some(beta), 0.1, "").unwrap();
    let [q, k, v]: [NodeId; 3] = std::array::from_fn(|i| {
        let y = g.add(MatMul, &[normal, w[i]], "").unwrap();
        g.add(Reshape { shape: dims(&[2, 3, 2, 2]) }, &[y], "").unwrap()
    });
    let scores = einsum(g, "bthd,bshd->bhts", &[q, k], "").unwrap();
    let weights = softmax(g, scores, &[3], false, "").unwrap();
    let mixed = einsum(g, "bhts,bshd->bthd", &[weights, v], "").unwrap();
    let y = g.add(Reshape { shape: dims(&[2, 3, 4]) }, &[mixed], "").unwrap();
    let y = g.add(Add, &[x, y], "").unwrap();
    let loss = s.loss(y);
    let of: Vec<NodeId> = [x, gamma, beta].into_iter().chain(w).collect();
    s.compare(loss, &of, "attention");
}

#[test]
fn of_a_perceptron_with_cross_entropy() {
    for seed in 0..20 {
        let mut s = Setting::new(seed);
        let (x, w, v, t) = (s.input(&[5, 4]), s.input(&[4, 6]), s.input(&[6, 3]), s.input(&[5, 3]));
        let z = s.graph.add(MatMul, &[x, w], "").unwrap();
        let h = s.graph.add(Relu, &[z], "").unwrap();
        let logits = s.graph.add(MatMul, &[h, v], "").unwrap();
        let normal = s.graph.add(LogSumExp { axis: 1, keepdims: true }, &[logits], "").unwrap();
        let chance = s.graph.add(Sub, &[logits, normal], "").unwrap();
        let chosen = s.graph.add(Mul, &[chance, t], "").unwrap();
        let loss = s.graph.add(Mean { axes: vec![0, 1], keepdims: false }, &[chosen], "").unwrap();
        s.check(loss, &[x, w, v], "perceptron");
    }
}
