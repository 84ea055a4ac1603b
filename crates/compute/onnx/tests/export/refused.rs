//! What cannot be exported, and what is left behind then.

use ndarray::{ArrayD, arr1};
use tacita_graph::ops::{Add, Combine, Constant};
use tacita_graph::{DType, Graph, Inputs, NodeId, Role, Visibility, dims};
use tacita_onnx::{ExportError, export, export_bytes, export_open_bytes};

/// x of two numbers, and the kept w as well; their sum.
fn sum(dtype: DType) -> (Graph, NodeId) {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let x = graph.input_of("x", &dims(&[2]), Visibility::Private(alice), Role::Data, dtype).unwrap();
    let w = graph.input_of("w", &dims(&[2]), Visibility::Secret, Role::Data, dtype).unwrap();
    let y = graph.add(Add, &[x, w], "sum").unwrap();
    (graph, y)
}

fn given(values: &[f64]) -> Inputs {
    Inputs::from([("w".to_string(), arr1(values).into_dyn())])
}

#[track_caller]
fn refused(dtype: DType, parameters: &Inputs, reason: &str) {
    let (graph, y) = sum(dtype);
    let error = export_bytes(&graph, &[("y", y)], parameters).unwrap_err();
    assert_eq!(error.to_string(), format!("parameter \"w\": {reason}"));
}

#[test]
fn parameters_that_do_not_fit() {
    refused(DType::Fixed, &Inputs::new(), "it is kept in shares, and its value is not given");
    refused(
        DType::Fixed,
        &given(&[1.0, 1e39]),
        "1000000000000000000000000000000000000000 is not a number that float32 holds",
    );
    refused(DType::Fixed, &given(&[f64::NAN, 1.0]), "NaN is not a number that float32 holds");
    refused(DType::Fixed, &given(&[1.0]), "it has shape [2], and its value [1]");
    refused(DType::Int, &given(&[1.0, 0.5]), "0.5 is not of type int");
}

#[test]
fn names_that_are_taken() {
    let (graph, y) = sum(DType::Fixed);
    for outputs in [vec![("x", y)], vec![("y", y), ("y", y)], vec![("", y)]] {
        let error = export_bytes(&graph, &outputs, &given(&[1.0, 2.0])).unwrap_err();
        assert!(matches!(error, ExportError::Output { .. }), "{error}");
    }
    // a node may be called as an output or an input is
    let mut graph = graph;
    let y = graph.add(Add, &[y, y], "x").unwrap();
    let z = graph.add(Add, &[y, y], "z").unwrap();
    export_bytes(&graph, &[("z", y), ("sum", z)], &given(&[1.0, 2.0])).unwrap();
}

#[test]
fn a_batch_that_no_input_has() {
    let mut graph = Graph::new();
    let ones = graph.add(Constant { shape: vec![2], value: 1.0 }, &[], "ones").unwrap();
    let mut other = Graph::new();
    other.add(Constant { shape: vec![3], value: 1.0 }, &[], "ones").unwrap();
    let error = export_open_bytes(&graph, &other, &[("y", ones)], &Inputs::new()).unwrap_err();
    let reason = "a size is no multiple of the batch";
    assert_eq!(error.to_string(), format!("node \"ones\" (Constant) has no form in ONNX: {reason}"));
}

#[test]
fn a_matrix_that_is_mostly_zeros() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let n = 1 << 14;
    let x = graph.input("x", &dims(&[n]), Visibility::Private(alice), Role::Data).unwrap();
    let rows = (0..n as u32).map(|at| vec![(at, 0.5)]).collect();
    let y = graph.add(Combine { axis: 0, rows }, &[x], "halves").unwrap();
    let error = export_bytes(&graph, &[("y", y)], &Inputs::new()).unwrap_err();
    assert!(error.to_string().starts_with("node \"halves\" (Combine) has no form in ONNX"), "{error}");
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let (graph, y) = sum(DType::Fixed);
    let files = || std::fs::read_dir(folder.path()).unwrap().count();

    export(&path, &graph, &[("y", y)], &Inputs::new()).unwrap_err();
    assert_eq!(files(), 0);
    export(&path, &graph, &[("y", y)], &given(&[1.0, 2.0])).unwrap();
    assert_eq!(files(), 1);
    let before = std::fs::read(&path).unwrap();
    export(&path, &graph, &[("y", y)], &given(&[1.0, f64::INFINITY])).unwrap_err();
    assert_eq!((files(), std::fs::read(&path).unwrap()), (1, before));

    let error = export(&folder.path().join("missing/model.onnx"), &graph, &[("y", y)], &given(&[1.0, 2.0]));
    assert!(matches!(error, Err(ExportError::Write(_))), "{error:?}");
}

#[test]
fn parameters_that_nothing_needs_are_not_in_the_file() {
    let (graph, y) = sum(DType::Fixed);
    let mut parameters = given(&[1.0, 2.0]);
    let alone = export_bytes(&graph, &[("y", y)], &parameters).unwrap();
    parameters.insert("momentum".to_string(), ArrayD::<f64>::zeros(vec![1000]));
    assert_eq!(export_bytes(&graph, &[("y", y)], &parameters).unwrap(), alone);
}
