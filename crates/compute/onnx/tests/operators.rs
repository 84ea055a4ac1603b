//! Every operator, against what onnxruntime computes from the same model. `data/make.py` made both.

use ndarray::{ArrayD, IxDyn};
use serde::Deserialize;
use tacita_graph::{Graph, Inputs, Node, Op, dims, ops, optimize, plain};
use tacita_onnx::{AxisSize, ImportOptions, Model, import};

#[derive(Deserialize)]
struct Case {
    name: String,
    input: Values,
    outputs: Vec<Values>,
}

#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    name: String,
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Values {
    fn array(&self) -> ArrayD<f64> {
        ArrayD::from_shape_vec(IxDyn(&self.shape), self.values.clone()).unwrap()
    }
}

fn folder() -> String {
    format!("{}/tests/data", env!("CARGO_MANIFEST_DIR"))
}

fn case(name: &str) -> Model {
    let path = format!("{}/{name}.onnx", folder());
    import(path.as_ref(), &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn cases() -> Vec<Case> {
    serde_json::from_str(&std::fs::read_to_string(format!("{}/cases.json", folder())).unwrap()).unwrap()
}

/// The revealed values by name, for one input.
fn run(model: &Model, input: &ArrayD<f64>) -> Vec<(String, ArrayD<f64>)> {
    evaluate(&model.of_batch(input.shape()[0]).unwrap(), model, input)
}

fn evaluate(graph: &Graph, model: &Model, input: &ArrayD<f64>) -> Vec<(String, ArrayD<f64>)> {
    let mut inputs: Inputs = model.parameters.clone();
    inputs.insert(model.input.clone(), input.clone());
    let values = plain(graph, &inputs).unwrap();
    values.into_iter().map(|(id, value)| (graph.node(id).name.clone(), value)).collect()
}

/// The softmax that an importer leaves to the receiver.
fn softmax(logits: &ArrayD<f64>, axes: &[usize], log: bool) -> ArrayD<f64> {
    let mut sums = logits.mapv(f64::exp);
    for &axis in axes {
        sums = sums.sum_axis(ndarray::Axis(axis)).insert_axis(ndarray::Axis(axis));
    }
    let logs = logits - &sums.mapv(f64::ln);
    if log { logs } else { logs.mapv(f64::exp) }
}

#[test]
fn agrees_with_onnxruntime() {
    let mut failures = Vec::new();
    for Case { name, input, outputs } in cases() {
        let model = case(&name);
        let found = run(&model, &input.array());
        assert_eq!(model.outputs.len(), outputs.len(), "{name}");
        for expected in &outputs {
            let (_, found) = found.iter().find(|(output, _)| *output == expected.name).unwrap();
            let found = match name.as_str() {
                "softmax" => softmax(found, &[1], false),
                "softmax_identity" => softmax(found, &[2], false),
                "softmax_old" => softmax(found, &[1, 2], false),
                "log_softmax" => softmax(found, &[1], true),
                _ => found.clone(),
            };
            if found.shape() != expected.shape {
                failures.push(format!("{name}: shape {:?}, not {:?}", found.shape(), expected.shape));
                continue;
            }
            let error = (&found - &expected.array()).mapv(f64::abs).fold(0.0, |a: f64, &b| a.max(b));
            // Six standard deviations at most, a few products: f32 is good for 1e-5.
            if error > 1e-5 {
                failures.push(format!("{name}: error {error}"));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn the_graph_holds_no_weight() {
    for Case { name, .. } in cases() {
        let model = case(&name);
        let parameters: Vec<&str> = model
            .template
            .example()
            .inputs()
            .into_iter()
            .map(|id| model.template.example().node(id).name.as_str())
            .filter(|input| *input != model.input)
            .collect();
        let mut sorted = parameters.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, model.parameters.keys().map(String::as_str).collect::<Vec<_>>(), "{name}");
        // The only numbers of a graph: attributes and known scalars, which are listed, and what formulas make of them or
        // have of their own.
        let numbers = model.public_constants.iter().filter_map(|public| public.value.parse::<f32>().ok());
        let listed: Vec<f32> =
            numbers.chain([1.0, -1.0]).flat_map(|number| [number, number.sqrt()]).collect();
        let formulas = [0.0, 1.0, -1.0, 0.5, 1.0 / 6.0, 1.0 / 8f32.sqrt()];
        // Numbers that follow from shapes are called so.
        for node in model.template.example().nodes().iter().filter(|node| node.name != "shape") {
            if let Op::Constant(constant) = &node.op {
                let value = constant.value as f32;
                let mut made = listed.iter().flat_map(|a| listed.iter().flat_map(move |b| [a * b, a / b]));
                assert!(formulas.contains(&value) || made.any(|number| number == value), "{name}: {value}");
            }
        }
    }
}

#[test]
fn the_batch_stays_open_unless_fixed() {
    let shape = |graph: &Graph| graph.node(graph.reveals()[0]).ty.shape.clone();
    let open = case("view_size_0");
    assert_eq!(open.template.reveals(), ["[batch, 84]"]);
    assert_eq!(shape(&open.of_batch(5).unwrap()), dims(&[5, 84]));
    assert_eq!(open.input_shape[0], AxisSize::Named("batch".to_string()));
    assert!(case("fixed_batch").template.names().is_empty());
}

fn constants(model: &Model) -> Vec<[&str; 3]> {
    model.public_constants.iter().map(|c| [&c.name[..], &c.value[..], &c.used_by[..]]).collect()
}

#[test]
fn what_becomes_public_is_listed() {
    assert_eq!(constants(&case("clip")), [["lo", "-0.5", "/clip_y"], ["hi", "0.75", "/clip_y"]]);
    assert_eq!(constants(&case("batch_norm")), [["epsilon", "0.001", "/batchnormalization_y"]]);
    assert_eq!(constants(&case("batch_norm_rows")), [["epsilon", "0.00001", "/batchnormalization_y"]]);
    assert_eq!(constants(&case("gemm_attributes")), [["alpha", "0.5", "/gemm_y"], ["beta", "-2", "/gemm_y"]]);
    assert_eq!(constants(&case("reshape")), [["s", "[-1, 14, 6]", "/reshape_y"]]);
    let padded = case("pad");
    assert_eq!(constants(&padded), [["p", "[0, 0, 1, 2, 0, 1, 0, 3]", "/pad_y"], ["v", "1.5", "/pad_y"]]);
    assert_eq!(constants(&case("leakyrelu")), [["alpha", "0.01", "/leakyrelu_y"]]);
    assert_eq!(constants(&case("pow_2")), [["e", "2", "/pow_y"]]);
    for spelled in ["gelu_spelled", "gelu_tanh_spelled", "rms_norm_spelled", "layer_norm_spelled"] {
        let model = case(spelled);
        let scalars = model.parameters.iter().filter(|(_, value)| value.len() == 1).count();
        assert_eq!(scalars, 0, "{spelled}: {:?}", constants(&model));
    }
    for private in ["prelu", "pow_tensor", "softmax_inner", "attention_spelled"] {
        assert!(constants(&case(private)).is_empty(), "{private}");
    }
    for private in ["conv_plain", "add_scalar", "div_scalar", "constant", "constant_float", "mat_mul"] {
        assert!(constants(&case(private)).is_empty(), "{private}");
        assert_eq!(case(private).parameters.len(), if private == "conv_plain" { 2 } else { 1 });
    }
}

#[test]
fn notes_say_what_was_left_out() {
    let note = |name: &str| case(name).notes.join("\n");
    let softmax = "Softmax \"/softmax_y\" is left to the receiver: \"y\" reveals the logits, apply it to them over axis";
    assert!(note("softmax").starts_with(softmax), "{}", note("softmax"));
    assert!(note("softmax").contains("[1]") && note("softmax_old").contains("[1, 2]"));
    assert!(note("log_softmax").starts_with("LogSoftmax \"/logsoftmax_y\" is left to the receiver"));
    assert_eq!(
        note("arg_max_softmax"),
        "Softmax \"/softmax_p\" is left out: it does not change which class is largest."
    );
    assert!(note("dropout").starts_with("Dropout \"/dropout_d\" is ignored"));
    for computed in ["relu", "softmax_inner", "softmax_twice", "arg_max_softmax_other"] {
        assert_eq!(note(computed), "");
    }
}

/// What exporters spell out is one operation after optimising, and means the same.
#[test]
fn spelled_operations_are_recognised() {
    for (name, op) in [
        ("gelu_spelled", Op::from(ops::Gelu { tanh: false })),
        ("gelu_tanh_spelled", ops::Gelu { tanh: true }.into()),
        (
            "layer_norm_spelled",
            ops::Normalize { axes: vec![2], epsilon: 1e-5f32.into(), centre: true }.into(),
        ),
        ("rms_norm_spelled", ops::Normalize { axes: vec![2], epsilon: 1e-6f32.into(), centre: false }.into()),
    ] {
        let model = case(name);
        let rows = cases().iter().find(|case| case.name == name).unwrap().input.shape[0];
        let optimized = optimize(&model.of_batch(rows).unwrap()).unwrap();
        assert!(optimized.nodes().iter().any(|node| node.op == op), "{name}");
        let nonlinear = |node: &&Node| ["Erf", "Tanh", "Sqrt", "Div"].contains(&node.op.name());
        assert_eq!(optimized.nodes().iter().filter(nonlinear).count(), 0, "{name}");
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        let input = case.input.array();
        let (before, after) = (run(&model, &input), evaluate(&optimized, &model, &input));
        // The numbers are f32.
        assert!((&before[0].1 - &after[0].1).iter().all(|error| error.abs() < 1e-6), "{name}");
    }
    let attention = optimize(case("attention_spelled").template.example()).unwrap();
    assert_eq!(attention.nodes().iter().filter(|node| node.op.name() == "Softmax").count(), 1);
}

#[test]
fn argmax_instead_of_logits() {
    let options = ImportOptions { argmax: true, ..ImportOptions::default() };
    for (name, shape) in
        [("softmax", vec![2]), ("gemm", vec![2]), ("softmax_identity", vec![2, 4]), ("arg_max", vec![2])]
    {
        let path = format!("{}/{name}.onnx", folder());
        let model = import(path.as_ref(), &options).unwrap();
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        let (_, found) = run(&model, &case.input.array()).remove(0);
        assert_eq!(found.shape(), shape, "{name}");
        if name == "gemm" || name == "softmax" {
            let rows = case.outputs[0].array();
            let largest = |row: ndarray::ArrayViewD<'_, f64>| {
                row.indexed_iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0[0] as f64
            };
            let expected: Vec<f64> = rows.outer_iter().map(largest).collect();
            assert_eq!(found.iter().copied().collect::<Vec<f64>>(), expected, "{name}");
        }
    }
}

#[test]
fn weights_beside_the_model() {
    let model = case("external");
    assert_eq!(model.parameters["w"].shape(), [6]);
    assert_eq!(model.parameters["v"].shape(), [7, 1]);
    let x = ArrayD::zeros(IxDyn(&[1, 2, 7, 6]));
    let (_, sum) = run(&model, &x).remove(0);
    assert_eq!(
        sum[[0, 1, 2, 3]],
        model.parameters["w"].to_f64()[[3]] + model.parameters["v"].to_f64()[[2, 0]]
    );
}

#[test]
fn old_and_sparse_files() {
    // Weights listed among the inputs, as before version 4 of the format.
    let old = case("listed_weights");
    assert_eq!((old.input.as_str(), old.parameters.len()), ("x", 1));
    // Nodes without a name go by their output's.
    let unnamed = case("unnamed_nodes");
    assert!(unnamed.template.example().nodes().iter().any(|node| node.name == "r"));
    // What no output needs is not asked of anyone.
    assert!(case("unused_weight").parameters.is_empty());
}
