//! How far functions are from f64 over the whole representable range at 16 fractional bits, with truncations rounded down
//! and to the nearest: the accuracy that the library promises.

use ndarray::{ArrayD, IxDyn};
use tacita_graph::Floor;
use tacita_graph::ops::*;
use tacita_graph::testing::TARGET;
use tacita_graph::*;

const PRECISION: u32 = 16;

/// x, on which `op` is evaluated as a secret.
fn private(op: impl Into<Op>, x: &[f64], rounding: &mut dyn Rounding) -> Vec<f64> {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let bob = graph.owner("bob");
    let shape = dims(&[x.len()]);
    let a = graph.input("a", &shape, Visibility::Private(alice), Role::Data).unwrap();
    let b = graph.input("b", &shape, Visibility::Private(bob), Role::Data).unwrap();
    let sum = graph.add(Add, &[a, b], "x").unwrap();
    let y = graph.add(op, &[sum], "y").unwrap();
    graph.reveal(y, &[alice], "result").unwrap();
    let program = lower(&graph, PRECISION, &TARGET).unwrap();
    let data = ArrayD::from_shape_vec(IxDyn(&[x.len()]), x.to_vec()).unwrap();
    let zero = ArrayD::zeros(IxDyn(&[x.len()]));
    let inputs: Inputs = [("a".to_owned(), data), ("b".to_owned(), zero)].into();
    let leaves = encode_every_leaf(&graph, &program, &inputs).unwrap();
    let values = fixed(&program, &leaves, rounding);
    let reveal = program.reveals()[0];
    values[reveal.index()].to_f64(program.node(reveal).ty).into_iter().collect()
}

/// Numbers that are representable: dense around zero, then at every scale up to 2^29.9, on the grid of 2^-16.
fn sweep(positive: bool) -> Vec<f64> {
    let grid = |x: f64| (x * 65536.0).round() / 65536.0;
    let mut x: Vec<f64> = (-60_000..=60_000).map(|i| grid(f64::from(i) * 0.000_511)).collect();
    for i in 0..6_000 {
        let size = 2f64.powf(-16.0 + 45.9 * f64::from(i) / 6_000.0);
        x.extend([grid(size), grid(-size)]);
    }
    x.extend((-16..30).flat_map(|k| [2f64.powi(k), -(2f64.powi(k)), 2f64.powi(k) - 2f64.powi(-16)]));
    if positive {
        x.retain(|x| *x > 0.0);
    }
    x
}

/// The largest of `error(x, got)`, and where.
fn worst(op: impl Into<Op>, x: &[f64], error: impl Fn(f64, f64) -> f64) -> f64 {
    let op = op.into();
    let mut largest = (0.0, 0.0, 0.0);
    for rounding in [&mut Floor as &mut dyn Rounding, &mut Nearest] {
        for (x, got) in x.iter().zip(private(op.clone(), x, rounding)) {
            let error = error(*x, got);
            if error > largest.0 {
                largest = (error, *x, got);
            }
        }
    }
    println!("{}: 2^{:.2} at {} ({})", op.name(), largest.0.log2(), largest.1, largest.2);
    largest.0
}

#[test]
fn smooth_functions_are_within_two_to_the_minus_thirteen_everywhere() {
    let x = sweep(false);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let bound = 2f64.powi(-13);
    assert!(worst(Sigmoid, &x, |x, y| (y - sigmoid(x)).abs()) < bound);
    assert!(worst(Tanh, &x, |x, y| (y - x.tanh()).abs()) < bound);
    assert!(worst(Softplus, &x, |x, y| (y - (x.max(0.0) + (-x.abs()).exp().ln_1p())).abs()) < bound);
    assert!(worst(Silu, &x, |x, y| (y - x * sigmoid(x)).abs()) < 2f64.powf(-12.5));
    assert!(worst(Erf, &x, |x, y| (y - tacita_ring::real::erf(x)).abs()) < bound);
    let gelu = |x: f64| x / 2.0 * (1.0 + tacita_ring::real::erf(x / 2f64.sqrt()));
    assert!(worst(Gelu { tanh: false }, &x, |x, y| (y - gelu(x)).abs()) < bound);
    let gelu =
        |x: f64| x / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
    assert!(worst(Gelu { tanh: true }, &x, |x, y| (y - gelu(x)).abs()) < bound);
    assert!(worst(Sin, &x, |x, y| (y - x.sin()).abs()) < bound);
    assert!(worst(Cos, &x, |x, y| (y - x.cos()).abs()) < bound);
}

#[test]
fn the_exponential_saturates_and_is_exact_to_ten_bits() {
    let most = 2f64.powi(30);
    let x = sweep(false);
    let error = |x: f64, y: f64| {
        let exact = x.exp().min(most);
        (y - exact).abs() / (exact * 2f64.powi(-10)).max(2f64.powi(-13))
    };
    assert!(worst(Exp, &x, error) < 1.0);
}

#[test]
fn powers_of_any_size_are_exact_to_ten_bits_or_two_units() {
    let error = |f: fn(f64) -> f64| {
        move |x: f64, y: f64| (y - f(x)).abs() / (f(x).abs() * 2f64.powi(-10)).max(2f64.powi(-15))
    };
    let x = sweep(true);
    assert!(worst(Sqrt, &x, error(f64::sqrt)) <= 1.0);
    assert!(worst(Rsqrt, &x, error(|x| 1.0 / x.sqrt())) <= 1.0);
    assert!(worst(Log, &x, |x, y| (y - x.ln()).abs()) < 2f64.powi(-11));
    let mut x = sweep(false);
    x.retain(|x| *x != 0.0);
    assert!(worst(Reciprocal, &x, error(|x| 1.0 / x)) <= 1.0);
}

/// `op` of rows of numbers, as a secret.
fn rows(op: impl Into<Op>, shape: [usize; 2], x: &[f64]) -> Vec<f64> {
    let op = op.into();
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let a = graph.input("a", &dims(&shape), Visibility::Private(alice), Role::Data).unwrap();
    let b = graph.input("b", &dims(&shape), Visibility::Private(bob), Role::Data).unwrap();
    let sum = graph.add(Add, &[a, b], "x").unwrap();
    let y = graph.add(op, &[sum], "y").unwrap();
    graph.reveal(y, &[alice], "result").unwrap();
    let program = lower(&graph, PRECISION, &TARGET).unwrap();
    let data = ArrayD::from_shape_vec(IxDyn(&shape), x.to_vec()).unwrap();
    let inputs: Inputs = [("a".to_owned(), data), ("b".to_owned(), ArrayD::zeros(IxDyn(&shape)))].into();
    let leaves = encode_every_leaf(&graph, &program, &inputs).unwrap();
    let values = fixed(&program, &leaves, &mut Floor);
    let reveal = program.reveals()[0];
    values[reveal.index()].to_f64(program.node(reveal).ty).into_iter().collect()
}

/// Numbers that look normal, of this standard deviation.
fn noise(n: usize, deviation: f64) -> Vec<f64> {
    let mut random = tacita_graph::testing::Random::new(n as u64);
    let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
    (0..n).map(|_| (normal() * deviation * 65536.0).round() / 65536.0).collect()
}

#[test]
fn rows_of_softmax_are_within_two_to_the_minus_nine_in_total_variation() {
    for (n, count) in [(2, 50), (10, 50), (128, 20), (256, 20), (1000, 8), (2048, 2), (50_000, 1)] {
        for spread in [0.0, 0.1, 1.0, 3.0, 10.0, 1000.0, 1e6] {
            let mut x = noise(n * count, spread);
            if spread == 0.1 {
                x[0] = 14.9; // the others are just not cut off
            }
            let got = rows(Softmax { axis: 1 }, [count, n], &x);
            for (x, got) in x.chunks(n).zip(got.chunks(n)) {
                let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = x.iter().map(|x| (x - largest).exp()).sum();
                let apart = |(x, got): (&f64, &f64)| ((x - largest).exp() / sum - got).abs();
                let total: f64 = x.iter().zip(got).map(apart).sum::<f64>() / 2.0;
                assert!(total <= 2f64.powi(-9), "{n} classes spread {spread}: 2^{}", total.log2());
            }
        }
    }
}

#[test]
fn norms_of_768_features_with_outliers_are_within_two_to_the_minus_eight() {
    for deviation in [0.05, 1.0, 30.0, 700.0] {
        for centre in [true, false] {
            let mut x = noise(8 * 768, deviation);
            x.iter_mut().step_by(768).for_each(|x| *x = 27.0 * deviation);
            let epsilon = 1e-5;
            let got = rows(Normalize { axes: vec![1], epsilon, centre }, [8, 768], &x);
            for (x, got) in x.chunks(768).zip(got.chunks(768)) {
                let mean = if centre { x.iter().sum::<f64>() / 768.0 } else { 0.0 };
                let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 768.0;
                for (x, got) in x.iter().zip(got) {
                    let exact = (x - mean) / (variance + epsilon).sqrt();
                    let error = (got - exact).abs();
                    assert!(error < 2f64.powi(-8), "{deviation}: {got} {exact}, 2^{:.2}", error.log2());
                }
            }
        }
    }
}
