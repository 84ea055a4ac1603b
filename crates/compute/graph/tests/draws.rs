//! What is drawn: its distribution in fixed point, and that no two draws are one.
//!
//! Evaluators in the clear draw words of a fixed seed, so these tests give the same each time. Limits are those that a true
//! sample passes with all but 10^-6 of probability, and what fixed point adds.

use std::collections::BTreeMap;

use ndarray::ArrayD;
use tacita_graph::testing::TARGET;
use tacita_graph::*;

const PRECISION: u32 = 16;
const UNIT: f64 = 1.0 / 65536.0;
const N: usize = 200_000;

/// The value of a graph's one node of interest, in fixed point and in f64.
fn draw(build: impl Fn(&mut Graph) -> Result<NodeId, GraphError>) -> (Vec<f64>, Vec<f64>) {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let x = build(&mut graph).unwrap();
    assert_eq!(graph.node(x).ty.visibility, Visibility::Secret);
    let reveal = graph.reveal(x, &[alice], "x").unwrap();
    let exact = plain(&graph, &Inputs::new()).unwrap().remove(&reveal).unwrap();
    let program = lower(&optimize(&graph).unwrap(), PRECISION, &TARGET).unwrap();
    let reveal = program.reveals()[0];
    let values = fixed_kept(&program, &BTreeMap::new(), &mut Nearest, |id| id == reveal);
    let got: ArrayD<f64> = values[&reveal].to_f64(program.node(reveal).ty);
    (got.into_iter().collect(), exact.into_iter().collect())
}

fn mean(x: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    x.iter().map(|&x| f(x)).sum::<f64>() / x.len() as f64
}

/// The largest distance of a sample's distribution function from another: Kolmogorov's and Smirnov's statistic.
fn distance(mut x: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    let both = |(i, &x): (usize, &f64)| {
        let at = distribution(x);
        (at - i as f64 / n).abs().max((at - (i + 1) as f64 / n).abs())
    };
    x.iter().enumerate().map(both).fold(0.0, f64::max)
}

/// The statistic exceeds c/√n with probability 2 exp(-2c²): 10^-6 for this c.
fn critical(n: usize) -> f64 {
    2.7 / (n as f64).sqrt()
}

#[test]
fn uniform_numbers_are_uniform() {
    for (low, high) in [(0.0, 1.0), (-3.0, 5.0), (0.0, std::f64::consts::TAU), (-1.0, 999.0), (0.25, 0.26)] {
        let width = high - low;
        let (got, exact) = draw(|g| functions::uniform(g, &dims(&[N]), low, high, "x"));
        assert!(got.iter().all(|x| (low - UNIT..=high + UNIT * (1.0 + width)).contains(x)), "{low} {high}");
        // numbers are some 2^-16 apart, and the last is off by the distance' rounding
        let steps = UNIT / width + 2.0 * UNIT;
        let d = distance(got.clone(), |x| ((x - low) / width).clamp(0.0, 1.0));
        assert!(d < critical(N) + steps, "{low} to {high}: {d}");
        let off = got.iter().zip(&exact).map(|(g, e)| (g - e).abs()).fold(0.0, f64::max);
        assert!(off <= UNIT * (3.0 + width), "{low} to {high}: {off} from f64");
        // the mean of n numbers has deviation width / √(12 n), the correlation of neighbours 1 / √n
        let z = (mean(&got, |x| x) - (low + high) / 2.0) / (width / (12.0 * N as f64).sqrt());
        assert!(
            z.abs() < 5.0 + steps * (12.0 * N as f64).sqrt(),
            "{low} to {high}: mean off by {z} deviations"
        );
        let centred: Vec<f64> = got.iter().map(|x| (x - low) / width - 0.5).collect();
        let neighbours: Vec<f64> = centred.windows(2).map(|x| 12.0 * x[0] * x[1]).collect();
        assert!(mean(&neighbours, |x| x).abs() < 5.0 / (N as f64).sqrt(), "{low} to {high}");
    }
}

#[test]
fn a_power_of_two_wide_every_unit_is_drawn_alike() {
    // 2^4 numbers: chi-squared of 15 degrees of freedom is beyond 60 with probability 2·10^-7
    let (got, _) = draw(|g| functions::uniform(g, &dims(&[N]), 1.0, 1.0 + 16.0 * UNIT, "x"));
    let mut counts = [0u32; 16];
    got.iter().for_each(|x| counts[((x - 1.0) / UNIT) as usize] += 1);
    let expected = N as f64 / 16.0;
    let chi: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
    assert!(chi < 60.0, "{chi}: {counts:?}");
}

#[test]
fn bits_have_their_probability() {
    for p in [0.5, 0.1, 0.9, 1e-3, 1.0 / 3.0] {
        let (got, exact) = draw(|g| functions::bernoulli(g, &dims(&[N]), p, "x"));
        assert_eq!(got, exact, "the same words give the same bits");
        assert!(got.iter().all(|&x| x == 0.0 || x == 1.0));
        let z = (mean(&got, |x| x) - p) / (p * (1.0 - p) / N as f64).sqrt();
        assert!(z.abs() < 5.0, "{p}: {z} deviations off");
        let pairs: Vec<f64> = got.windows(2).map(|x| (x[0] - p) * (x[1] - p) / (p * (1.0 - p))).collect();
        assert!(mean(&pairs, |x| x).abs() < 5.0 / (N as f64).sqrt(), "{p}: neighbours go together");
    }
    for (p, always) in [(0.0, 0.0), (1.0, 1.0)] {
        let (got, _) = draw(|g| functions::bernoulli(g, &dims(&[1000]), p, "x"));
        assert!(got.iter().all(|&x| x == always), "{p}");
    }
}

/// The normal distribution function.
fn phi(x: f64) -> f64 {
    (1.0 + tacita_ring::real::erf(x / 2f64.sqrt())) / 2.0
}

#[test]
fn normal_numbers_are_normal() {
    let (got, exact) = draw(|g| functions::normal(g, &dims(&[N + 1]), 0.0, 1.0, "x"));
    assert_eq!(got.len(), N + 1);
    // of the same words in f64: how far fixed point alone moves the distribution function
    let mut sorted = exact.clone();
    sorted.sort_by(f64::total_cmp);
    let below = |x: f64| sorted.partition_point(|e| *e <= x) as f64 / sorted.len() as f64;
    let moved = distance(got.clone(), below);
    println!("moved by {moved}");
    assert!(moved < 1e-3, "{moved}");
    // √ and ln are within 2^-10 of themselves, which moves the distribution function by less than 2^-10·sup |x φ(x)| and, where
    // ln U is near 0, by what mass a radius below √(2^-10) has, once more
    let d = distance(got.clone(), phi);
    assert!(d < critical(N) + 2f64.powi(-12) + 2f64.powi(-11), "{d}");
    // deviations of the first four moments of n numbers: √(1/n), √(2/n), √(15/n), √(96/n)
    let root = (N as f64).sqrt();
    let relative = 2f64.powi(-10);
    assert!(mean(&got, |x| x).abs() < 5.0 / root + UNIT);
    assert!((mean(&got, |x| x * x) - 1.0).abs() < 5.0 * 2f64.sqrt() / root + 2.0 * relative);
    assert!(mean(&got, |x| x.powi(3)).abs() < 5.0 * 15f64.sqrt() / root);
    assert!((mean(&got, |x| x.powi(4)) - 3.0).abs() < 5.0 * 96f64.sqrt() / root + 12.0 * relative);
    // tails: counts are Poisson's, 5 deviations from their means
    for k in [2.0, 3.0, 4.0] {
        let expected = 2.0 * (1.0 - phi(k)) * N as f64;
        let beyond = got.iter().filter(|x| x.abs() > k).count() as f64;
        assert!((beyond - expected).abs() < 5.0 * expected.sqrt() + 0.01 * expected, "beyond {k}: {beyond}");
    }
    // the two of a pair are independent
    let half = got.len().div_ceil(2);
    let both: Vec<f64> = (0..N / 2).map(|i| got[i] * got[half + i]).collect();
    assert!(mean(&both, |x| x).abs() < 5.0 / (N as f64 / 2.0).sqrt());
    let squares: Vec<f64> =
        (0..N / 2).map(|i| (got[i].powi(2) - 1.0) * (got[half + i].powi(2) - 1.0)).collect();
    assert!(mean(&squares, |x| x).abs() < 5.0 * 2.0 / (N as f64 / 2.0).sqrt() + 8.0 * relative);
}

#[test]
fn a_normal_has_its_mean_and_deviation() {
    let (got, _) = draw(|g| functions::normal(g, &dims(&[4, 50, 100]), -2.0, 0.5, "x"));
    let root = (got.len() as f64).sqrt();
    assert!((mean(&got, |x| x) + 2.0).abs() < 5.0 * 0.5 / root + UNIT);
    let spread = mean(&got, |x| (x + 2.0).powi(2)) / 0.25;
    assert!((spread - 1.0).abs() < 5.0 * 2f64.sqrt() / root + 2f64.powi(-9), "{spread}");
}

#[test]
fn normals_of_a_batch_are_drawn_by_sample() {
    for sample in [&[][..], &[1], &[2], &[3, 5]] {
        let size: usize = sample.iter().product();
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let shape = [&[N / size][..], sample].concat();
        let x = functions::normal(&mut graph, &shape, 1.0, 2.0, "x").unwrap();
        assert_eq!(graph.node(x).ty.shape, shape);
        let reveal = graph.reveal(x, &[alice], "x").unwrap();
        let x: Vec<f64> = plain(&graph, &Inputs::new()).unwrap()[&reveal].iter().copied().collect();
        assert_eq!(x.len(), N / size * size);
        assert!(distance(x.clone(), |x| phi((x - 1.0) / 2.0)) < critical(x.len()), "{sample:?}");
        for apart in 1..=size {
            let products: Vec<f64> =
                (apart..x.len()).map(|i| (x[i] - 1.0) * (x[i - apart] - 1.0) / 4.0).collect();
            assert!(mean(&products, |x| x).abs() < 5.0 / (N as f64).sqrt(), "{sample:?}, {apart} apart");
        }
    }
}

#[test]
fn dropout_says_what_it_kept() {
    for p in [0.5, 0.2, 0.0] {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let ones = functions::uniform(&mut graph, &dims(&[1000]), 1.0, 1.5, "ones").unwrap();
        let (y, mask) = functions::dropout_and_mask(&mut graph, ones, p, "x").unwrap();
        assert_eq!(graph.node(mask).ty.dtype, DType::Bit);
        let [y, mask] = [(y, "y"), (mask, "mask")].map(|(x, name)| graph.reveal(x, &[alice], name).unwrap());
        let values = plain(&graph, &Inputs::new()).unwrap();
        assert!(values[&y].iter().zip(&values[&mask]).all(|(y, mask)| (*y != 0.0) == (*mask == 1.0)), "{p}");
    }
}

#[test]
fn dropout_keeps_what_it_does_not_drop() {
    for p in [0.5, 0.2, 0.0] {
        let (got, _) = draw(|g| {
            let ones = functions::uniform(g, &dims(&[N]), 1.0, 1.0 + 2.0 * UNIT, "ones")?;
            functions::dropout(g, ones, p, "x")
        });
        let kept = 1.0 / (1.0 - p);
        // a unit more than 1, times at most 2, and three roundings
        let count = got.iter().filter(|x| (*x - kept).abs() <= 5.0 * UNIT).count();
        assert_eq!(count + got.iter().filter(|&&x| x == 0.0).count(), N, "{p}");
        let z = (count as f64 - N as f64 * (1.0 - p)).abs();
        assert!(z <= 5.0 * (N as f64 * p * (1.0 - p)).sqrt(), "{p}: {count} kept");
    }
}

#[test]
fn two_draws_are_two_values() {
    let mut graph = Graph::new();
    let shape = dims(&[8]);
    let a = functions::uniform(&mut graph, &shape, 0.0, 1.0, "a").unwrap();
    let b = functions::uniform(&mut graph, &shape, 0.0, 1.0, "b").unwrap();
    let digests = graph.node_digests();
    assert_ne!(digests[a.index()], digests[b.index()]);
    let alice = graph.owner("alice");
    graph.reveal(a, &[alice], "x").unwrap();
    graph.reveal(b, &[alice], "y").unwrap();
    let values = plain(&graph, &Inputs::new()).unwrap();
    let [x, y] = [0, 1].map(|i| values.values().nth(i).unwrap().clone());
    assert!(x.iter().zip(&y).all(|(x, y)| x != y));
    assert_eq!(optimize(&graph).unwrap().node_digests().len(), 4, "neither is left out, nor both one");
    assert_eq!(Graph::decode(&graph.encode()).unwrap(), graph);

    let error = graph.add(ops::Bernoulli { shape, probability: 0.5, draw: 1 }, &[], "c").unwrap_err();
    assert!(error.to_string().contains("draw 1"), "{error}");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let mut graph = Graph::new();
    let shape = dims(&[2]);
    for (low, high) in [(1.0, 1.0), (2.0, 1.0), (0.0, f64::NAN), (f64::NEG_INFINITY, 0.0), (-1e308, 1e308)] {
        assert!(functions::uniform(&mut graph, &shape, low, high, "x").is_err(), "{low} to {high}");
    }
    for p in [-0.1, 1.1, f64::NAN] {
        assert!(functions::bernoulli(&mut graph, &shape, p, "x").is_err(), "{p}");
    }
    assert!(functions::normal(&mut graph, &dims(&[2]), f64::NAN, 1.0, "x").is_err());
    assert!(functions::normal(&mut graph, &dims(&[usize::MAX, 2]), 0.0, 1.0, "x").is_err());
    let x = functions::uniform(&mut graph, &shape, 0.0, 1.0, "x").unwrap();
    for p in [1.0, -0.5, f64::NAN] {
        assert!(functions::dropout(&mut graph, x, p, "x").is_err(), "{p}");
    }
    // what is too narrow or too wide for the precision shows when it is lowered
    for (low, high) in [(0.0, UNIT / 2.0), (0.0, 2f64.powi(31)), (2f64.powi(31), 2f64.powi(31) + 1.0)] {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let x = functions::uniform(&mut graph, &shape, low, high, "x").unwrap();
        graph.reveal(x, &[alice], "y").unwrap();
        assert!(lower(&graph, PRECISION, &TARGET).is_err(), "{low} to {high}");
    }
}
