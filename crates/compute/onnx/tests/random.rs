//! What imported models draw, in fixed point: its distribution, and what is told of it. `data/make.py` made the models.
//!
//! Evaluators in the clear draw words of a fixed seed, so these tests give the same each time. Limits are those that a true
//! sample passes with all but 10^-6 of probability, and what fixed point adds; `tacita-graph/tests/draws.rs` looks closer.

use std::collections::BTreeMap;

use ndarray::ArrayD;
use tacita_graph::testing::TARGET;
use tacita_graph::{Inputs, Nearest, Visibility, encode_every_leaf, fixed, lower, optimize};
use tacita_onnx::{AxisSize, ImportOptions, Model, import};

const PRECISION: u32 = 16;
const UNIT: f64 = 1.0 / 65536.0;
const SAMPLES: usize = 400;
const N: usize = SAMPLES * 499;

fn case(name: &str) -> Model {
    let path = format!("{}/tests/data/drawn/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
    import(path.as_ref(), &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// What is revealed, by name, if all elements of the input are `x`.
fn run(model: &Model, x: f64) -> BTreeMap<String, Vec<f64>> {
    let graph = optimize(&model.of_batch(SAMPLES).unwrap()).unwrap();
    let known = |axis: &AxisSize| if let AxisSize::Known(size) = axis { *size } else { SAMPLES };
    let shape: Vec<usize> = model.input_shape.iter().map(known).collect();
    let mut inputs: Inputs = model.parameters.clone();
    inputs.insert(model.input.clone(), ArrayD::from_elem(shape, x));
    let program = lower(&graph, PRECISION, &TARGET).unwrap();
    let leaves = encode_every_leaf(&graph, &program, &inputs).unwrap();
    let values = fixed(&program, &leaves, &mut Nearest);
    let reveals = program.reveals().into_iter().map(|id| {
        let node = program.node(id);
        let value = values[id.index()].to_f64(node.ty);
        (graph.node(node.origin).name.clone(), value.into_iter().collect())
    });
    reveals.collect()
}

fn only(model: &Model, x: f64) -> Vec<f64> {
    let mut found = run(model, x);
    assert_eq!(found.len(), 1);
    found.remove("y").unwrap()
}

fn mean(x: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    x.iter().map(|&x| f(x)).sum::<f64>() / x.len() as f64
}

/// The largest distance of a sample's distribution function from another: Kolmogorov's and Smirnov's statistic, which exceeds
/// 2.7/√n with probability 10^-6.
fn assert_distributed(what: &str, mut x: Vec<f64>, distribution: impl Fn(f64) -> f64, fixed_point: f64) {
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    let both = |(i, &x): (usize, &f64)| {
        let at = distribution(x);
        (at - i as f64 / n).abs().max((at - (i + 1) as f64 / n).abs())
    };
    let d = x.iter().enumerate().map(both).fold(0.0, f64::max);
    assert!(d < 2.7 / n.sqrt() + fixed_point, "{what}: {d}");
}

/// That ones are as frequent as bits of this probability give, within 5 deviations.
fn assert_frequent(what: &str, count: usize, of: usize, p: f64) {
    let off = (count as f64 - of as f64 * p).abs();
    assert!(off <= 5.0 * (of as f64 * p * (1.0 - p)).sqrt(), "{what}: {count} of {of}");
}

#[test]
fn uniform_numbers() {
    let (low, width) = (-3.0, 8.0);
    let model = case("random_uniform");
    let found = only(&model, 0.5);
    // one draw of a row, which all samples share
    let row = found[..499].to_vec();
    assert!(found.chunks(499).all(|other| *other == row));
    assert!(row.iter().all(|y| (low + 0.5..low + 0.5 + width).contains(y)));
    assert_distributed("random_uniform", row, |y| ((y - 0.5 - low) / width).clamp(0.0, 1.0), 2.0 * UNIT);

    let like = only(&case("random_uniform_like"), 0.5);
    assert_eq!(like.len(), N);
    assert_distributed("random_uniform_like", like, |y| (y - 0.5).clamp(0.0, 1.0), 2.0 * UNIT);

    let one = case("random_uniform_like_weight");
    assert!(one.parameters.is_empty(), "nobody is asked for a weight whose shape alone matters");
    let found = only(&one, 0.5);
    assert!((0.5..1.5).contains(&found[0]) && found.iter().all(|y| *y == found[0]));
}

/// The normal distribution function.
fn phi(x: f64) -> f64 {
    (1.0 + tacita_ring::real::erf(x / 2f64.sqrt())) / 2.0
}

#[test]
fn normal_numbers() {
    // what √ and ln are off by, as in `draws.rs`
    let fixed_point = 2f64.powi(-12) + 2f64.powi(-11);
    for name in ["random_normal_like", "random_normal_like_softmax"] {
        let found = only(&case(name), -1.5);
        assert_eq!(found.len(), N);
        let root = (N as f64).sqrt();
        assert!((mean(&found, |y| y) + 1.5).abs() < 5.0 / root + UNIT, "{name}");
        // neighbours, those of one pair among them, are independent
        let half = 250;
        let pairs: Vec<f64> = found
            .chunks(499)
            .flat_map(|row| (0..half - 1).map(|i| (row[i] + 1.5) * (row[half + i] + 1.5)))
            .collect();
        assert!(mean(&pairs, |y| y).abs() < 5.0 / (pairs.len() as f64).sqrt(), "{name}");
        assert_distributed(name, found, |y| phi(y + 1.5), fixed_point);
    }
    let found = only(&case("random_normal"), 0.0);
    let rows = found[..3 * 499].to_vec();
    assert_distributed("random_normal", rows, |y| phi((y + 2.0) / 0.5), fixed_point);
}

#[test]
fn bits_with_probabilities_that_are_data() {
    for p in [0.0, 0.1, 0.5, 0.75, 1.0] {
        let found = only(&case("bernoulli"), p);
        assert!(found.iter().all(|&y| y == 0.0 || y == 1.0));
        let ones = found.iter().filter(|&&y| y == 1.0).count();
        assert_frequent("bernoulli", ones, N, (p / UNIT).round() * UNIT);

        let chosen = only(&case("bernoulli_bool"), p);
        let count = chosen.iter().filter(|&&y| y == (p / UNIT).round() * UNIT).count();
        assert_eq!(count + chosen.iter().filter(|&&y| y == -1.0).count(), N);
        assert_frequent("bernoulli_bool", count, N, (p / UNIT).round() * UNIT);
    }
    let weight = case("bernoulli_weight");
    assert_eq!(weight.parameters.len(), 1, "probabilities of the file are its owner's");
    assert!(weight.public_constants.is_empty());
    let row = &only(&weight, 2.0)[..499];
    assert_frequent("bernoulli_weight", row.iter().filter(|&&y| y == 2.0).count(), 499, 0.25);
}

#[test]
fn dropout_in_training() {
    let x = 1.25;
    for (name, p) in [("dropout_training", f64::from(0.3f32)), ("dropout_training_half", 0.5)] {
        let found = run(&case(name), x);
        let y = &found["y"];
        // a product's truncation and half a unit of the factor, of x
        let is_kept = |y: f64| (y - x / (1.0 - p)).abs() <= (1.0 + x) * UNIT;
        let kept = y.iter().filter(|&&y| is_kept(y)).count();
        assert_eq!(kept + y.iter().filter(|&&y| y == 0.0).count(), N, "{name}");
        assert_frequent(name, kept, N, 1.0 - p);
        if let Some(mask) = found.get("m") {
            assert!(mask.iter().zip(y).all(|(m, y)| *m == f64::from(u8::from(is_kept(*y)))));
        }
    }
    let none = run(&case("dropout_training_none"), x);
    assert!(none["y"].iter().all(|&y| y == x) && none["m"].iter().all(|&m| m == 1.0));
}

#[test]
fn what_is_drawn_is_told_and_secret() {
    let notes = |name: &str| case(name).notes.join("\n");
    let note = "RandomUniformLike \"/randomuniformlike_r\" does not follow its seed: what it draws is new in every evaluation, and \
                nobody knows it.";
    assert_eq!(notes("random_uniform_like"), note);
    assert!(notes("bernoulli_bool").contains("Bernoulli \"/bernoulli_b\" does not follow its seed"));
    assert_eq!(notes("random_uniform"), "");
    let training = notes("dropout_training_half");
    assert!(training.contains("\"/dropout_y\" does not follow its seed"), "{training}");
    assert!(training.contains("\"/dropout_y\" drops elements: its training_mode is set"), "{training}");

    let public = |name: &str| {
        let constants = case(name).public_constants.into_iter();
        constants.map(|c| format!("{} {}", c.name, c.value)).collect::<Vec<_>>()
    };
    assert_eq!(public("random_uniform"), ["low -3", "high 5"]);
    assert_eq!(public("random_normal"), ["mean -2", "scale 0.5"]);
    assert_eq!(public("dropout_training"), ["t 1", "r 0.30000001192092896"]);

    for name in ["random_uniform", "random_normal_like", "bernoulli", "dropout_training"] {
        let model = case(name);
        let (graph, parameters) = (model.template.example(), &model.parameters);
        let draws: Vec<_> = graph.nodes().iter().filter(|node| node.op.draw().is_some()).collect();
        assert!(
            !draws.is_empty() && draws.iter().all(|node| node.ty.visibility == Visibility::Secret),
            "{name}"
        );
        assert!(parameters.is_empty(), "{name}");
    }
}
