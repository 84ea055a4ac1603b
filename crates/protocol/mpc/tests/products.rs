//! Products up to the limit of the range.

mod common;

use common::Case;
use ndarray::{ArrayD, IxDyn};
use tacita_graph::testing::Random;
use tacita_graph::{Graph, Inputs, Role, Visibility, dims, ops};
use tacita_mpc::{Config, Revealed};

const FRAC: u32 = 16;
const RUNS: u64 = 20;
const ELEMENTS: usize = 500_000;

#[test]
fn ten_million_products_up_to_the_limit_are_right() {
    let mut graph = Graph::new();
    let owners = [graph.owner("alice"), graph.owner("bob")];
    let [x, y] = [0, 1].map(|i| {
        let visibility = Visibility::Private(owners[i]);
        graph.input(["x", "y"][i], &dims(&[ELEMENTS]), visibility, Role::Data).unwrap()
    });
    let product = graph.add(ops::Mul {}, &[x, y], "product").unwrap();
    graph.reveal(product, &owners[..1], "result").unwrap();
    let case = Case::new(&graph, 2, FRAC);
    let scale = f64::from(1u32 << FRAC);
    let mut largest: i128 = 0;
    for run in 0..RUNS {
        let mut random = Random::new(run);
        // x spread over all magnitudes, y such that |xy| is below 2^30, close to it for half of the elements
        let magnitudes: Vec<f64> = (0..ELEMENTS).map(|_| (random.unit() * 44.0 - 15.0).exp2()).collect();
        let mut sign = |v: f64| if random.word() & 1 == 0 { v } else { -v };
        let x: Vec<f64> = magnitudes.iter().map(|&m| sign((m * scale).round() / scale)).collect();
        let mut random = Random::new(!run);
        let y: Vec<f64> = x
            .iter()
            .map(|x| {
                let limit =
                    (f64::from(1u32 << 30) * 0.999_999 / x.abs().max(1.0 / scale)).min(f64::from(1u32 << 29));
                let fraction = if random.word() & 1 == 0 { 1.0 } else { random.unit() };
                let y = (limit * fraction * scale).floor() / scale;
                if random.word() & 1 == 0 { y } else { -y }
            })
            .collect();
        let array = |v: &[f64]| ArrayD::from_shape_vec(IxDyn(&[ELEMENTS]), v.to_vec()).unwrap();
        let inputs = Inputs::from([("x".to_owned(), array(&x)), ("y".to_owned(), array(&y))]);
        let outcome = case.run(&inputs, &Config::default(), 1).remove(0).0.remove(0);
        let Some(Revealed::Ring(result)) = outcome.revealed.values().next() else { panic!("no result") };
        for ((x, y), &z) in x.iter().zip(&y).zip(result.data()) {
            let exact = i128::from((x * scale) as i64) * i128::from((y * scale) as i64);
            largest = largest.max(exact.abs());
            let off = i128::from(z as i64) - (exact >> FRAC);
            assert!(off == 0 || off == 1, "{x} * {y} is off by {off} units");
        }
    }
    assert!(largest > (1 << 62) / 100 * 99 && largest < 1 << 62, "up to 2^62 before truncation: {largest}");
}
