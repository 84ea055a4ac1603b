//! Operations that exporters spell out are recognised, and mean the same up to the rounding of f64; what only looks like them
//! is left alone.

use std::f64::consts::{FRAC_1_PI, FRAC_1_SQRT_2, SQRT_2};

use ndarray::{ArrayD, IxDyn};
use tacita_graph::ops::*;
use tacita_graph::*;

type Build<'a> = &'a dyn Fn(&mut Graph, NodeId) -> NodeId;

fn number(g: &mut Graph, value: f64) -> NodeId {
    g.add(Constant { shape: vec![], value }, &[], "").unwrap()
}

fn add(g: &mut Graph, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
    g.add(op, inputs, "").unwrap()
}

fn scaled(g: &mut Graph, x: NodeId, by: f64) -> NodeId {
    let by = number(g, by);
    add(g, Mul, &[x, by])
}

fn shifted(g: &mut Graph, x: NodeId, by: f64) -> NodeId {
    let by = number(g, by);
    add(g, Add, &[by, x])
}

/// The operations but for inputs, constants and reveals that are left of a function of a secret (2, 5), which mean the same.
fn left_of(build: Build<'_>) -> Vec<Op> {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let bob = graph.owner("bob");
    let shape = dims(&[2, 5]);
    let a = graph.input("a", &shape, Visibility::Private(alice), Role::Data).unwrap();
    let b = graph.input("b", &shape, Visibility::Private(bob), Role::Data).unwrap();
    let x = add(&mut graph, Mul, &[a, b]);
    let y = build(&mut graph, x);
    graph.reveal(y, &[alice], "y").unwrap();
    let optimized = optimize(&graph).unwrap();
    let mut random = testing::Random::new(7);
    let mut data = || ArrayD::from_shape_fn(IxDyn(&[2, 5]), |_| random.unit() * 4.0 - 2.0);
    let inputs: Inputs = [("a".to_owned(), data()), ("b".to_owned(), data())].into();
    let before = plain(&graph, &inputs).unwrap().into_values().next().unwrap();
    let after = plain(&optimized, &inputs).unwrap().into_values().next().unwrap();
    assert!((&before - &after).iter().all(|error| error.abs() < 1e-12), "{before} {after}");
    let others = |op: &Op| !matches!(op, Op::Input(_) | Op::Constant(_) | Op::Reveal(_));
    // without the product that x is
    optimized.nodes().iter().map(|node| node.op.clone()).filter(others).skip(1).collect()
}

fn erf_gate(g: &mut Graph, x: NodeId) -> NodeId {
    let root = number(g, SQRT_2);
    let inner = add(g, Div, &[x, root]);
    let erf = add(g, Erf, &[inner]);
    shifted(g, erf, 1.0)
}

fn tanh_gate(g: &mut Graph, x: NodeId) -> NodeId {
    let cube = functions::pow(g, x, 3.0, "").unwrap();
    let cube = scaled(g, cube, 0.044715);
    let sum = add(g, Add, &[x, cube]);
    let inner = scaled(g, sum, (2.0 * FRAC_1_PI).sqrt());
    let tanh = add(g, Tanh, &[inner]);
    shifted(g, tanh, 1.0)
}

#[test]
fn gelu_in_any_order() {
    let exact = [Op::from(Gelu { tanh: false })];
    assert_eq!(
        left_of(&|g, x| {
            let gate = erf_gate(g, x);
            let product = add(g, Mul, &[x, gate]);
            scaled(g, product, 0.5)
        }),
        exact
    );
    assert_eq!(
        left_of(&|g, x| {
            let gate = erf_gate(g, x);
            let half = scaled(g, x, 0.5);
            add(g, Mul, &[gate, half])
        }),
        exact
    );
    assert_eq!(
        left_of(&|g, x| {
            let inner = scaled(g, x, FRAC_1_SQRT_2);
            let erf = add(g, Erf, &[inner]);
            let gate = shifted(g, erf, 1.0);
            let product = add(g, Mul, &[gate, x]);
            let two = number(g, 2.0);
            add(g, Div, &[product, two])
        }),
        exact
    );
    assert_eq!(
        left_of(&|g, x| {
            let gate = tanh_gate(g, x);
            let half = scaled(g, x, 0.5);
            add(g, Mul, &[half, gate])
        }),
        [Op::from(Gelu { tanh: true })]
    );
    assert_eq!(
        left_of(&|g, x| {
            let gate = add(g, Sigmoid, &[x]);
            add(g, Mul, &[gate, x])
        }),
        [Op::from(Silu)]
    );
}

fn norm(g: &mut Graph, d: NodeId, axes: &[usize], epsilon: f64) -> NodeId {
    let squares = add(g, Mul, &[d, d]);
    let variance = add(g, Mean { axes: axes.to_vec(), keepdims: true }, &[squares]);
    shifted(g, variance, epsilon)
}

fn deviation(g: &mut Graph, x: NodeId, axes: &[usize]) -> NodeId {
    let mean = add(g, Mean { axes: axes.to_vec(), keepdims: true }, &[x]);
    add(g, Sub, &[x, mean])
}

#[test]
fn norms_by_quotients_and_reciprocals() {
    let normal = |centre| [Op::from(Normalize { axes: vec![1], epsilon: 1e-5, centre })];
    assert_eq!(
        left_of(&|g, x| {
            let d = deviation(g, x, &[1]);
            let sum = norm(g, d, &[1], 1e-5);
            let root = add(g, Sqrt, &[sum]);
            add(g, Div, &[d, root])
        }),
        normal(true)
    );
    assert_eq!(
        left_of(&|g, x| {
            let sum = norm(g, x, &[1], 1e-5);
            let root = add(g, Sqrt, &[sum]);
            let one = number(g, 1.0);
            let inverse = add(g, Div, &[one, root]);
            add(g, Mul, &[inverse, x])
        }),
        normal(false)
    );
    assert_eq!(
        left_of(&|g, x| {
            let sum = norm(g, x, &[1], 1e-5);
            let inverse = add(g, Rsqrt, &[sum]);
            add(g, Mul, &[x, inverse])
        }),
        normal(false)
    );
    assert_eq!(
        left_of(&|g, x| {
            let d = deviation(g, x, &[1]);
            let sum = norm(g, d, &[1], 1e-5);
            let root = add(g, Sqrt, &[sum]);
            let inverse = add(g, Reciprocal, &[root]);
            add(g, Mul, &[d, inverse])
        }),
        normal(true)
    );
}

#[test]
fn what_only_looks_alike_is_left_alone() {
    let has = |ops: &[Op], name: &str| ops.iter().any(|op| op.name() == name);
    let other_half = left_of(&|g, x| {
        let gate = erf_gate(g, x);
        let product = add(g, Mul, &[x, gate]);
        scaled(g, product, 0.4)
    });
    assert!(has(&other_half, "Erf") && !has(&other_half, "Gelu"));
    let other_x = left_of(&|g, x| {
        let gate = erf_gate(g, x);
        let shifted = shifted(g, x, 0.25);
        let product = add(g, Mul, &[shifted, gate]);
        scaled(g, product, 0.5)
    });
    assert!(has(&other_x, "Erf") && !has(&other_x, "Gelu"));
    let other_gate = left_of(&|g, x| {
        let other = shifted(g, x, 1.0);
        let gate = add(g, Sigmoid, &[other]);
        add(g, Mul, &[gate, x])
    });
    assert!(has(&other_gate, "Sigmoid"));
    // the mean over other axes than the variance: what is normalised is the deviation itself
    let other_axes = left_of(&|g, x| {
        let d = deviation(g, x, &[0]);
        let sum = norm(g, d, &[1], 1e-5);
        let root = add(g, Sqrt, &[sum]);
        add(g, Div, &[d, root])
    });
    assert_eq!(other_axes.last(), Some(&Op::from(Normalize { axes: vec![1], epsilon: 1e-5, centre: false })));
    let of_another = left_of(&|g, x| {
        let sum = norm(g, x, &[1], 1e-5);
        let root = add(g, Sqrt, &[sum]);
        let numerator = shifted(g, x, 0.5);
        add(g, Div, &[numerator, root])
    });
    assert!(has(&of_another, "Sqrt") && !has(&of_another, "Normalize"));
}
