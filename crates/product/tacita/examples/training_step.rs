//! What a step of training costs here: two networks, two parties and a dealer on this machine, loopback links.
//!
//! `cargo run --release -p tacita --example training_step`

use std::time::Instant;

use ndarray::ArrayD;
use tacita::graph::{Graph, Inputs, Role, Visibility, dims};
use tacita::nn::{
    Conv2d, Flatten, Layer, Linear, Loss, MaxPool2d, Optimiser, Reduction, Relu, Sequential, Training,
};
use tacita::{Error, Options, Session, Trainer};

fn main() -> Result<(), Error> {
    let mlp = Sequential::new()
        .then(Linear::new(784, 128))
        .then(Relu)
        .then(Linear::new(128, 128))
        .then(Relu)
        .then(Linear::new(128, 10));
    println!("{}", measure("MLP 784-128-128-10, batch 128", &mlp, &[128, 784], 12)?);
    let lenet = Sequential::new()
        .then(Conv2d::new(1, 20, [5, 5]))
        .then(MaxPool2d::new([2, 2]))
        .then(Relu)
        .then(Conv2d::new(20, 50, [5, 5]))
        .then(MaxPool2d::new([2, 2]))
        .then(Relu)
        .then(Flatten)
        .then(Linear::new(800, 500))
        .then(Relu)
        .then(Linear::new(500, 10));
    println!("{}", measure("LeNet, batch 32", &lenet, &[32, 1, 28, 28], 12)?);
    Ok(())
}

/// The median of so many steps of gradient descent with momentum, and what a step costs.
///
/// # Errors
/// If the session fails.
pub fn measure(what: &str, network: &dyn Layer, shape: &[usize], steps: usize) -> Result<String, Error> {
    let training =
        Training::new(Loss::CrossEntropy(Reduction::Mean), Optimiser::sgd(0.05).with_momentum(0.9));
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x = graph.input("x", &dims(shape), Visibility::Private(alice), Role::Data)?;
    let y = graph.input("y", &dims(&[shape[0], 10]), Visibility::Private(bob), Role::Data)?;
    let step = training.step(&mut graph, network, x, y)?;
    let session = Session::with_options(Options::default())?;
    let mut trainer = Trainer::begin(session, training, &graph, &step, 1)?;
    let mut number = 0u64;
    let mut next = || {
        number += 1;
        (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64
    };
    let image = ArrayD::from_shape_simple_fn(shape, &mut next);
    let class = ArrayD::from_shape_fn(vec![shape[0], 10], |at| f64::from(u8::from(at[0] % 10 == at[1])));
    let batch = Inputs::from([("x".to_owned(), image), ("y".to_owned(), class)]);
    let mut seconds = Vec::new();
    for _ in 0..steps {
        let begun = Instant::now();
        trainer.step(&batch)?;
        seconds.push(begun.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let cost = trainer.prepared().plan().cost();
    let mut text = format!(
        "{what}: {:.3} s a step (median of {steps}), {} rounds, {:.1} MB online a party, {:.1} MB dealt",
        seconds[seconds.len() / 2],
        cost.rounds,
        cost.online_bytes.iter().max().map_or(0, |bytes| *bytes) as f64 / 1e6,
        cost.offline_bytes as f64 / 1e6
    );
    if std::env::args().any(|argument| argument == "--nodes") {
        for node in &cost.nodes {
            let online = node.online_bytes.iter().max().map_or(0, |bytes| *bytes);
            text += &format!(
                "\n  {:40} {:>2} rounds {online:>9} {:>9} {:?}",
                node.name, node.rounds, node.offline_bytes, node.ops
            );
        }
    }
    Ok(text)
}
