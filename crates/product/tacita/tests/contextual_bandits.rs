//! The bandit learns as the same rule in the clear does, and what it has in shares is the regression that it should be.

#[allow(dead_code)]
#[path = "../examples/contextual_bandits.rs"]
mod example;

use std::path::Path;

use example::{ARMS, FEATURES, PENALTY, Visitors};
use ndarray::{Array1, Array2};
use tacita::graph::{Graph, Inputs, Role, Visibility, dims};
use tacita::{Error, Link, Options};

const COUNT: usize = 500;

#[test]
fn a_private_bandit_earns_what_one_in_the_clear_earns() -> Result<(), Error> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models");
    let visitors = Visitors::read(&folder, COUNT)?;
    let options = Options { link: Link::Memory, ..Options::default() };
    let (shown, session) = example::private(&visitors, options, &mut |_| ())?;
    let rewards = visitors.rewards(&shown);
    let mean = |rewards: &[f64]| rewards.iter().sum::<f64>() / COUNT as f64;
    let (ours, clear) = (mean(&rewards), mean(&visitors.rewards(&example::in_the_clear(&visitors)?)));
    // by chance 0.1, with a deviation of 0.013
    assert!(ours > 0.4, "{ours}");
    // Arms that are equally good are told apart by roundings, the first ones for example, so these are two runs of one rule. A
    // mean of rewards has a deviation of at most 1/2 / √500, the difference of two √2 times that: three of them.
    assert!((ours - clear).abs() < 0.095, "{ours} for {clear}");

    let mut graph = Graph::new();
    let bob = graph.owner("bob");
    let shape = dims(&[ARMS, FEATURES]);
    let estimates = graph.input("estimates", &shape, Visibility::Secret, Role::Data)?;
    graph.reveal(estimates, &[bob], "estimates")?;
    let prepared = session.prepare(&graph)?;
    let evaluation = session.evaluate(&prepared, &Inputs::new(), &mut |_| ())?;
    let estimates = evaluation.revealed.values().next().expect("they are revealed")[0].1.to_f64();
    let mut worst: f64 = 0.0;
    for arm in 0..ARMS {
        // the last reward has not been learned
        let rounds: Vec<usize> = (0..COUNT - 1).filter(|&round| shown[round] == arm).collect();
        let expected = ridge(&visitors.contexts, &rewards, &rounds);
        for (at, expected) in expected.iter().enumerate() {
            worst = worst.max((estimates[[arm, at]] - expected).abs());
        }
    }
    // a unit of 2^-16 for every round, all in one direction
    assert!(worst < COUNT as f64 / 65536.0, "{worst}");
    Ok(())
}

/// (λ + Σ x xᵀ)⁻¹ Σ r x over these rounds, by elimination; the matrix is positive definite.
fn ridge(contexts: &Array2<f64>, rewards: &[f64], rounds: &[usize]) -> Array1<f64> {
    let mut a = Array2::eye(FEATURES) * PENALTY;
    let mut b = Array1::zeros(FEATURES);
    for &round in rounds {
        let x = contexts.row(round);
        a += &Array2::from_shape_fn((FEATURES, FEATURES), |(i, j)| x[i] * x[j]);
        b += &(&x * rewards[round]);
    }
    for at in 0..FEATURES {
        for row in (0..FEATURES).filter(|&row| row != at) {
            let factor = a[[row, at]] / a[[at, at]];
            let pivot = a.row(at).to_owned();
            a.row_mut(row).scaled_add(-factor, &pivot);
            b[row] -= factor * b[at];
        }
    }
    b / a.diag()
}
