//! Ten thousand steps: the loss does not explode, and the last steps take what the first took, in time and memory.

use std::time::Instant;

use ndarray::ArrayD;
use tacita::graph::{Graph, Inputs, Role, Visibility, dims};
use tacita::nn::{Linear, Loss, Optimiser, Reduction, Relu, Sequential, Training};
use tacita::{Error, Session, Trainer};

const BATCH: usize = 16;
const STEPS: usize = 10_000;

/// What this process has in memory now.
fn resident() -> Option<u64> {
    let pages: u64 =
        std::fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[test]
fn ten_thousand_steps() -> Result<(), Error> {
    let network = Sequential::new().then(Linear::new(8, 12)).then(Relu).then(Linear::new(12, 1));
    let training = Training::new(
        Loss::BceWithLogits(Reduction::Mean),
        Optimiser::sgd(0.05).with_momentum(0.9).with_weight_decay(1e-4),
    );
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x = graph.input("x", &dims(&[BATCH, 8]), Visibility::Private(alice), Role::Data)?;
    let t = graph.input("t", &dims(&[BATCH, 1]), Visibility::Private(bob), Role::Data)?;
    let step = training.step(&mut graph, &network, x, t)?;
    graph.reveal(step.loss, &[alice], "loss")?;
    let mut trainer = Trainer::begin(Session::local(2)?, training, &graph, &step, 5)?;

    let mut state = 3u64;
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    };
    let (mut losses, mut seconds, mut early) = (Vec::new(), Vec::new(), None);
    for number in 0..STEPS {
        let x = ArrayD::from_shape_simple_fn(vec![BATCH, 8], &mut next);
        // which side of a curved boundary, with a tenth of the labels wrong: the loss stays above 0
        let t = ArrayD::from_shape_fn(vec![BATCH, 1], |at| {
            let row = |column: usize| x[[at[0], column]];
            let inside = row(0) * row(1) + row(2) - row(3) > 0.0;
            f64::from(u8::from(inside != (next() > 0.8)))
        });
        let batch = Inputs::from([("x".to_owned(), x), ("t".to_owned(), t)]);
        let begun = Instant::now();
        let evaluation = trainer.step(&batch)?;
        seconds.push(begun.elapsed().as_secs_f64());
        losses.push(evaluation.revealed.values().next().expect("the loss is revealed")[0].1.to_f64().sum());
        if number == STEPS / 10 {
            early = resident();
        }
    }
    assert!(losses.iter().all(|loss| loss.is_finite() && (0.0..5.0).contains(loss)), "an exploding loss");
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (first, last) = (mean(&losses[..100]), mean(&losses[STEPS - 1000..]));
    // a tenth of wrong labels leaves an entropy of 0.325
    assert!(last < first && (0.32..0.45).contains(&last), "from {first} to {last}");
    // a noisy machine may slow some steps, not the half of a thousand
    let (first, last) = (median(seconds[10..1010].to_vec()), median(seconds[STEPS - 1000..].to_vec()));
    assert!(last < 1.5 * first, "the first steps take {first} s, the last {last}");
    if let (Some(early), Some(late)) = (early, resident()) {
        assert!(late < early + (4 << 20), "{early} bytes after a tenth, {late} in the end");
    }
    Ok(())
}
