//! The programs in `examples/` do what they say; those that train have tests of their own.

#[allow(dead_code)]
#[path = "../examples/digits.rs"]
mod digits;
#[allow(dead_code)]
#[path = "../examples/median.rs"]
mod median;
#[allow(dead_code)]
#[path = "../examples/service.rs"]
mod service;
#[allow(dead_code)]
#[path = "../examples/training_loop.rs"]
mod training_loop;
#[allow(dead_code)]
#[path = "../examples/training_step.rs"]
mod training_step;
#[allow(dead_code)]
#[path = "../examples/two_receivers.rs"]
mod two_receivers;

use std::path::Path;

use ndarray::{ArrayD, Axis, Slice};
use tacita::Error;
use tacita::graph::{Inputs, plain};
use tacita::onnx::{ImportOptions, Sizes, import};

/// A network in the clear.
fn in_the_clear(model: &str, pictures: &ArrayD<f64>) -> ArrayD<f64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models").join(model);
    let model = import(&path, &ImportOptions::default()).unwrap();
    let graph = model.template.at(&Sizes::from([("batch".to_owned(), pictures.shape()[0])])).unwrap();
    let mut inputs: Inputs = model.parameters.clone();
    inputs.insert(model.input.clone(), pictures.clone());
    plain(&graph, &inputs).unwrap().into_values().next().unwrap()
}

fn best(scores: ndarray::ArrayViewD<'_, f64>) -> usize {
    let mut order: Vec<(usize, f64)> = scores.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order[0].0
}

/// Twenty digits of MNIST.
fn digits_of_mnist() -> ArrayD<f64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/mnist-200.npz:images");
    let all = tacita_data::read(&path.to_string_lossy().parse().unwrap()).unwrap();
    all.slice_axis(Axis(0), Slice::from(0..20)).to_owned()
}

#[test]
fn digits_reads_a_seven() -> Result<(), Error> {
    assert_eq!(digits::digit(digits::a_seven())?, 7);
    Ok(())
}

#[test]
fn two_receivers_learn_each_their_own() -> Result<(), Error> {
    let picture = digits::a_seven();
    let expected = in_the_clear("lenet.onnx", &picture);
    let [scores, digit] = two_receivers::read(picture)?;
    assert!((&scores.to_f64() - &expected).iter().all(|e| e.abs() < 0.01));
    assert_eq!(digit.to_i64().unwrap().sum() as usize, best(expected.view()));
    Ok(())
}

#[test]
fn the_median_is_that_of_the_sums() -> Result<(), Error> {
    for (numbers, middle) in [([3.5, 2.0, 4.25], 3.5), ([-1.0, -2.0, -3.0], -2.0), ([1.0, 1.0, 0.0], 1.0)] {
        assert!((median::median(numbers)? - (12.0 * middle + 1.0)).abs() < 1e-3, "{numbers:?}");
    }
    Ok(())
}

#[test]
fn the_training_loop_learns_and_is_short() -> Result<(), Error> {
    let losses = training_loop::train(60)?;
    assert!(losses[0] > 0.6 && losses[59] < 0.35, "{losses:?}");
    let lines = include_str!("../examples/training_loop.rs").lines();
    let body = lines.skip_while(|line| !line.starts_with("    let session")).take_while(|line| *line != "}");
    assert!(body.count() <= 25);
    Ok(())
}

#[test]
fn a_service_answers_every_client_right() -> Result<(), Error> {
    let pictures = digits_of_mnist();
    let expected = in_the_clear("mlp.onnx", &pictures);
    let expected: Vec<usize> = expected.outer_iter().map(best).collect();
    assert_eq!(service::serve(&pictures)?, expected);
    Ok(())
}

#[test]
fn a_training_step_is_measured() -> Result<(), Error> {
    let line = training_step::measure("a layer", &tacita::nn::Linear::new(3, 10), &[4, 3], 2)?;
    assert!(line.starts_with("a layer: 0.") && line.contains(" rounds, "), "{line}");
    Ok(())
}
