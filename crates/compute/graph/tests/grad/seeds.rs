//! Derivatives from seeds, through what is detached, and of graphs in graphs.

use std::collections::BTreeMap;

use ndarray::{ArrayD, arr1};
use tacita_graph::ops::*;
use tacita_graph::{Graph, GraphError, Inputs, NodeId, Role, Visibility, grad, grad_from, plain_all};

/// Inputs x and w of two numbers each.
fn two() -> (Graph, NodeId, NodeId) {
    let mut graph = Graph::new();
    let owner = Visibility::Private(graph.owner("alice"));
    let x = graph.input("x", &[2], owner, Role::Data).unwrap();
    let w = graph.input("w", &[2], owner, Role::Data).unwrap();
    (graph, x, w)
}

fn values(graph: &Graph, ids: &[NodeId]) -> Vec<ArrayD<f64>> {
    let data = [("x", [2.0, -3.0]), ("w", [5.0, 0.5])];
    let inputs: Inputs = data.map(|(name, data)| (name.to_owned(), arr1(&data).into_dyn())).into();
    let all = plain_all(graph, &inputs).unwrap();
    ids.iter().map(|id| all[id.index()].clone()).collect()
}

#[test]
fn seeds_weigh_outputs_of_any_shape_and_add_up() {
    let (mut graph, x, w) = two();
    let product = graph.add(Mul, &[x, w], "product").unwrap();
    let square = graph.add(Mul, &[x, x], "square").unwrap();
    let seed = graph.add(Constant { shape: vec![2], value: 10.0 }, &[], "").unwrap();
    let found = grad_from(&mut graph, &[(product, seed), (square, x)], &[x, w]).unwrap();
    let ids: Vec<NodeId> = found.into_iter().map(|id| id.expect("a path leads there")).collect();
    // 10 w + x · 2x, and 10 x
    let expected = [[58.0, 23.0], [20.0, -30.0]];
    assert_eq!(values(&graph, &ids), expected.map(|e| arr1(&e).into_dyn()));
    // the same output twice
    let twice = grad_from(&mut graph, &[(product, seed), (product, x)], &[w]).unwrap();
    assert_eq!(values(&graph, &[twice[0].unwrap()]), [arr1(&[24.0, -21.0]).into_dyn()]);
}

#[test]
fn without_a_path_there_is_none_and_no_error() {
    let (mut graph, x, w) = two();
    let floor = graph.add(Floor, &[w], "floor").unwrap();
    let y = graph.add(Mul, &[x, floor], "y").unwrap();
    let late = graph.add(Neg, &[y], "late").unwrap();
    let found = grad_from(&mut graph, &[(y, x)], &[x, w, late]).unwrap();
    assert!(found[0].is_some());
    assert_eq!(&found[1..], [None, None]);
}

#[test]
fn seeds_have_the_shape_of_their_output() {
    let (mut graph, x, _) = two();
    let sum = graph.add(Sum { axes: vec![0], keepdims: false }, &[x], "sum").unwrap();
    let refused = grad_from(&mut graph, &[(sum, x)], &[x]).unwrap_err().to_string();
    assert!(refused.contains("sum") && refused.contains("[2]"), "{refused}");
    let best = graph.add(ArgMax { axis: 0, keepdims: false }, &[x], "best").unwrap();
    assert!(matches!(grad_from(&mut graph, &[(best, sum)], &[x]), Err(GraphError::Invalid { .. })));
}

#[test]
fn no_derivative_passes_what_is_detached() {
    let (mut graph, x, w) = two();
    let still = graph.add(Detach, &[x], "still").unwrap();
    let y = graph.add(Mul, &[x, still], "y").unwrap();
    let y = graph.add(Mul, &[y, w], "y").unwrap();
    let loss = graph.add(Sum { axes: vec![0], keepdims: false }, &[y], "loss").unwrap();
    let found = grad(&mut graph, loss, &[x, w]).unwrap();
    // x w instead of 2 x w, and x²
    let expected = [[10.0, -1.5], [4.0, 9.0]];
    assert_eq!(values(&graph, &found), expected.map(|e| arr1(&e).into_dyn()));
    let only = graph.add(Sum { axes: vec![0], keepdims: false }, &[still], "only").unwrap();
    let error = grad(&mut graph, only, &[x]).unwrap_err().to_string();
    assert!(error.contains("still (Detach)"), "{error}");
}

#[test]
fn a_graph_goes_into_another() {
    let mut model = Graph::new();
    let bob = model.owner("bob");
    let alice = model.owner("alice");
    let image = model.input("image", &[2], Visibility::Private(alice), Role::Data).unwrap();
    let weight = model.input("weight", &[2], Visibility::Private(bob), Role::Parameter).unwrap();
    let y = model.add(Mul, &[image, weight], "y").unwrap();
    let noise = model.add(Uniform { shape: vec![2], low: 0.0, high: 1.0, draw: 0 }, &[], "noise").unwrap();
    let y = model.add(Add, &[y, noise], "noisy").unwrap();
    let out = model.reveal(y, &[bob], "answer").unwrap();

    let (mut graph, x, w) = two();
    let bob = graph.owner("carol");
    assert_eq!(bob.0, 1, "numbers of owners differ");
    let first = graph.append(&model, &BTreeMap::from([(image, x), (weight, w)])).unwrap();
    let nodes = graph.nodes().len();
    let second = graph.append(&model, &BTreeMap::from([(image, first[out.index()])])).unwrap();
    assert_eq!(nodes, 2 + 3, "what is given is not added, and no reveal");
    assert_eq!((first[image.index()], first[weight.index()]), (x, w));
    assert_eq!(first[out.index()], first[y.index()]);
    // the second has a weight and a draw of its own
    let weight = graph.node(second[weight.index()]);
    let Visibility::Private(owner) = weight.ty.visibility else { panic!("{:?}", weight.ty) };
    assert_eq!((weight.name.as_str(), graph.owners()[owner.0 as usize].as_str()), ("weight", "bob"));
    assert_ne!(graph.node(first[noise.index()]).op.draw(), graph.node(second[noise.index()]).op.draw());
    assert!(graph.reveals().is_empty());

    let sum = graph.add(Sum { axes: vec![0], keepdims: false }, &[x], "sum").unwrap();
    let refused = graph.append(&model, &BTreeMap::from([(image, sum)])).unwrap_err().to_string();
    assert!(refused.contains("image") && refused.contains("[2]") && refused.contains("[]"), "{refused}");
    let missing = graph.append(&model, &BTreeMap::from([(image, NodeId(99))]));
    assert!(matches!(missing, Err(GraphError::UnknownInput { .. })));
    // an input's name is taken
    assert!(matches!(graph.append(&model, &BTreeMap::new()), Err(GraphError::InputName { .. })));
}
