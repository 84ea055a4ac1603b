//! A training loop as one writes it in PyTorch: alice has the inputs, bob the labels, nobody sees the network.
//!
//! `cargo run --release -p tacita --example training_loop`

use ndarray::Array2;
use tacita::nn::{Linear, Loss, Optimiser, Reduction, Relu, Sequential};
use tacita::{Error, Module, OptimiserState, Session, loss};

/// Learns whether two numbers have the same sign; the loss of every step.
///
/// # Errors
/// If the session fails.
pub fn train(steps: usize) -> Result<Vec<f64>, Error> {
    let points =
        Array2::from_shape_fn((64, 2), |(row, axis)| ((row * (7 + 6 * axis)) % 64) as f64 / 32.0 - 1.0);
    let labels = Array2::from_shape_fn((64, 1), |(row, _)| {
        f64::from(u8::from((points[[row, 0]] < 0.0) == (points[[row, 1]] < 0.0)))
    });

    let session = Session::local(2)?;
    let x = session.input("points", "alice", &[64, 2], points)?;
    let y = session.input("labels", "bob", &[64, 1], labels)?;
    let mut model =
        Module::new(Sequential::new().then(Linear::new(2, 16)).then(Relu).then(Linear::new(16, 1)), 3);
    let mut optimiser = OptimiserState::new(Optimiser::adam(0.05));
    let mut losses = vec![];
    for _ in 0..steps {
        let loss = loss(Loss::BceWithLogits(Reduction::Mean), &model.forward(&session, &x)?, &y)?;
        optimiser.step(&session, &mut model, loss.backward()?)?; // one evaluation
        losses.push(session.reveal(&loss, &["alice", "bob"])?.expect("both are here").sum()); // one round
    }
    Ok(losses)
}

fn main() -> Result<(), Error> {
    for (step, loss) in train(60)?.into_iter().enumerate().step_by(10) {
        println!("step {step:>2}: loss {loss:.4}");
    }
    Ok(())
}
