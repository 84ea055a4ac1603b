//! What has no derivative, and what is said then.

use tacita_graph::ops::*;
use tacita_graph::{DType, Graph, GraphError, NodeId, Role, Visibility, grad};

use crate::setting::Setting;

/// What is said when the derivative of the sum of y is asked for.
fn refusal(graph: &mut Graph, y: NodeId, of: &[NodeId]) -> GraphError {
    let axes = (0..graph.node(y).ty.rank()).collect();
    let loss = graph.add(Sum { axes, keepdims: false }, &[y], "loss").unwrap();
    grad(graph, loss, of).unwrap_err()
}

#[test]
fn a_loss_is_one_number() {
    let mut s = Setting::new(1);
    let x = s.input(&[4]);
    let error = grad(&mut s.graph, x, &[x]).unwrap_err().to_string();
    assert!(error.contains("\"x0\" is no loss") && error.contains("[4]"), "{error}");
    let best = s.graph.add(ArgMax { axis: 0, keepdims: false }, &[x], "best").unwrap();
    let error = grad(&mut s.graph, best, &[x]).unwrap_err().to_string();
    assert!(error.contains("\"best\" is no loss") && error.contains("int"), "{error}");
    // of one number in any shape
    let one = s.input(&[1, 1]);
    assert!(grad(&mut s.graph, one, &[one]).is_ok());
}

#[test]
fn what_no_path_leads_to_is_named_and_where_paths_end() {
    let mut s = Setting::new(1);
    let (x, other) = (s.input(&[4]), s.input(&[4]));
    let no_path = |error: GraphError| match error {
        GraphError::NoPath { node, end } => (node, end),
        error => panic!("{error}"),
    };
    let end = |text: &str| Some(text.to_owned());
    let best = s.graph.add(ArgMax { axis: 0, keepdims: true }, &[x], "best").unwrap();
    let cast = Cast { to: DType::Fixed, rounding: ToWhole::Floor };
    let number = s.graph.add(cast, &[best], "number").unwrap();
    let found = no_path(refusal(&mut s.graph, number, &[x]));
    assert_eq!(found, ("x0".into(), end("best (ArgMax), which is of kind int")));
    // what ends is on the way, not before what ends it
    let twice = s.graph.add(Add, &[x, x], "twice").unwrap();
    let whole = s.graph.add(Floor, &[twice], "whole").unwrap();
    let found = no_path(refusal(&mut s.graph, whole, &[x]));
    assert_eq!(found, ("x0".into(), end("whole (Floor)")));
    // of what does not lead to the loss nothing is said, whatever ends elsewhere
    let bits = s.graph.add(Less, &[x, other], "bits").unwrap();
    let chosen = s.graph.add(Select, &[bits, x, whole], "chosen").unwrap();
    let found = no_path(refusal(&mut s.graph, twice, &[x, other]));
    assert_eq!(found, ("x1".into(), None));
    let found = no_path(refusal(&mut s.graph, chosen, &[x, other]));
    assert_eq!(found, ("x1".into(), end("bits (Less), which is of kind bit")));
    // what comes after the loss
    let loss = s.graph.add(Sum { axes: vec![0], keepdims: false }, &[x], "early").unwrap();
    let late = s.graph.add(Neg, &[loss], "late").unwrap();
    let found = no_path(grad(&mut s.graph, loss, &[late]).unwrap_err());
    assert_eq!(found, ("late".into(), None));
    // indices and bits have none, though numbers are made of them
    let count = s.graph.input_of("count", &[4], Visibility::Secret, Role::Data, DType::Int).unwrap();
    let number = s.graph.add(cast, &[count], "").unwrap();
    let found = no_path(refusal(&mut s.graph, number, &[count]));
    assert_eq!(found, ("count".into(), end("count (Input), which is of kind int")));
}

#[test]
fn an_operation_without_a_derivative_is_named() {
    let mut s = Setting::new(1);
    let pool = MaxPool {
        kernel: vec![2],
        stride: vec![2],
        pads_begin: vec![0],
        pads_end: vec![0],
        dilation: vec![1],
        ceil_mode: false,
    };
    let (image, g) = (s.input(&[1, 1, 4]), s.input(&[1, 1, 2]));
    let y = s.graph.add(MaxPoolGradient { pool, relu: false }, &[image, g], "routed").unwrap();
    let error = refusal(&mut s.graph, y, &[g]);
    assert_eq!(error, GraphError::NoDerivative { node: "routed".into(), op: "MaxPoolGradient" });
    assert!(error.to_string().contains("\"routed\" (MaxPoolGradient)"), "{error}");
    // with respect to what it only compares it is constant
    let error = refusal(&mut s.graph, y, &[image]);
    let end = Some("routed (MaxPoolGradient)".into());
    assert_eq!(error, GraphError::NoPath { node: "x0".into(), end });
    // asked for nothing behind it, nothing is wrong with it
    let both = s.graph.add(Add, &[y, image], "both").unwrap();
    let loss = s.graph.add(Sum { axes: vec![0, 1, 2], keepdims: false }, &[both], "").unwrap();
    assert!(grad(&mut s.graph, loss, &[image, both]).is_ok());
}
