//! The shipped networks, and ResNet-18 where `tools/make_resnet18.py` made it.

use ndarray::{ArrayD, Axis};
use tacita_graph::{Inputs, Value, plain};
use tacita_onnx::{ImportOptions, Model, import, show_axes};

fn model_file(name: &str) -> String {
    format!("{}/../../../models/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn read(source: &str) -> ArrayD<f64> {
    tacita_data::read_finite(&source.parse().unwrap()).unwrap()
}

fn run(model: &Model, input: ArrayD<f64>) -> ArrayD<f64> {
    let graph = model.of_batch(input.shape()[0]).unwrap();
    let mut inputs: Inputs = model.parameters.clone();
    inputs.insert(model.input.clone(), input);
    plain(&graph, &inputs).unwrap().remove(&graph.reveals()[0]).unwrap()
}

fn accuracy(name: &str) -> f64 {
    let model =
        import(model_file(name).as_ref(), &ImportOptions { argmax: true, ..Default::default() }).unwrap();
    assert_eq!(show_axes(&model.input_shape), "[batch, 1, 28, 28]");
    assert_eq!((model.input.as_str(), &model.outputs[..]), ("image", &["logits".to_string()][..]));
    assert_eq!(model.public_constants, []);
    let images = read(&format!("{}:images", model_file("mnist-test.npz"))) / 255.0;
    let labels =
        tacita_data::read_labels(&format!("{}:labels", model_file("mnist-test.npz")).parse().unwrap())
            .unwrap();
    let found = run(&model, images);
    let right = found.iter().zip(&labels).filter(|(found, label)| **found == **label as f64).count();
    right as f64 / labels.len() as f64
}

#[test]
fn lenet_is_as_accurate_as_in_training() {
    assert_eq!(accuracy("lenet.onnx"), 0.967);
}

#[test]
fn mlp_is_as_accurate_as_in_training() {
    assert_eq!(accuracy("mlp.onnx"), 0.943);
}

#[test]
fn every_weight_is_the_owners() {
    let model = import(model_file("lenet.onnx").as_ref(), &ImportOptions::default()).unwrap();
    let numbers: usize = model.parameters.values().map(Value::len).sum();
    assert_eq!(numbers, 16 * 25 + 16 + 32 * 16 * 25 + 32 + 512 * 128 + 128 + 1280 + 10);
    // The graph that everyone sees is far smaller than any layer.
    assert!(format!("{:?}", model.template).len() < 20_000);
}

/// `tools/make_resnet18.py FOLDER`, then `TACITA_RESNET18=FOLDER cargo test --release -- --ignored resnet`.
#[test]
#[ignore = "needs the files that tools/make_resnet18.py makes"]
fn resnet_agrees_with_torch() {
    let folder = std::env::var("TACITA_RESNET18").unwrap_or_else(|_| "/tmp".to_string());
    let model = import(format!("{folder}/resnet18.onnx").as_ref(), &ImportOptions::default()).unwrap();
    let logits = run(&model, read(&format!("{folder}/resnet_input.npy")));
    let expected = read(&format!("{folder}/resnet_logits.npy"));
    let error = (&logits - &expected).mapv(f64::abs).fold(0.0, |a: f64, &b| a.max(b));
    assert_eq!(logits.len_of(Axis(1)), 1000);
    assert!(error < 1e-4, "{error}");
}
