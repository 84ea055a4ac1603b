//! A hospital, alice, has half of the measurements of 569 tumours; a laboratory, bob, the other half and which were benign.
//! They train logistic regression together. Neither shows the other a number; what both learn is how often it is right.
//!
//! `cargo run --release -p tacita --example breast_cancer`

use std::path::Path;

use ndarray::{Array2, ArrayD, Axis};
use tacita::graph::ops::{Cast, Concat, Constant, Equal, GreaterEqual, Mean, ToWhole};
use tacita::graph::{DType, Graph, GraphError, Inputs, NodeId, Role, Visibility, dims};
use tacita::nn::{Layer, Linear, Loss, Optimiser, Reduction, Training};
use tacita::{Error, Options, Session, Trainer};
use tacita_data::read_table;

const BATCH: usize = 64;
const EPOCHS: usize = 20;

fn main() -> Result<(), Error> {
    let data = Data::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/breast_cancer.csv"))?;
    let (accuracy, steps) = train(&data, Options::default(), &mut |epoch, loss| {
        println!("epoch {epoch:>2}: loss of the last batch {loss:.4}");
    })?;
    println!(
        "after {steps} steps {:.1} % of {} rows that were kept apart are right",
        100.0 * accuracy,
        data.test.len()
    );
    Ok(())
}

/// All rows, standardised by those that train; a column each for who has it.
pub struct Data {
    /// Alice's measurements.
    pub alice: Array2<f64>,
    /// Bob's.
    pub bob: Array2<f64>,
    /// Bob's labels, one column.
    pub labels: Array2<f64>,
    /// Rows that train, in an order that both know.
    pub train: Vec<usize>,
    /// Every fifth row.
    pub test: Vec<usize>,
}

impl Data {
    /// Reads the table and splits it; between organisations each would read its own.
    ///
    /// # Errors
    /// If the file is not the table.
    pub fn read(path: &Path) -> Result<Data, Error> {
        let input = |error: tacita_data::DataError| Error::Input(error.to_string());
        let mut table = read_table(path).map_err(input)?;
        let labels = table.take_labels("target", 2).map_err(input)?;
        let (test, mut train): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|row| row % 5 == 4);
        let mut state = 1u64;
        for at in (1..train.len()).rev() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            train.swap(at, (state >> 33) as usize % (at + 1));
        }
        let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
        let (first, second) = names.split_at(names.len() / 2);
        let own = |names: &[&str]| {
            let mut columns = table.columns(names)?;
            columns.standardise_by(&train)?;
            Ok(columns.into_values())
        };
        let (alice, bob) = (own(first).map_err(input)?, own(second).map_err(input)?);
        let labels = Array2::from_shape_fn((labels.len(), 1), |(row, _)| labels[row] as f64);
        Ok(Data { alice, bob, labels, train, test })
    }

    /// These rows of all three.
    fn rows(&self, rows: &[usize]) -> Inputs {
        let of = |values: &Array2<f64>| -> ArrayD<f64> { values.select(Axis(0), rows).into_dyn() };
        [("alice's columns", &self.alice), ("bob's columns", &self.bob), ("labels", &self.labels)]
            .map(|(name, values)| (name.to_owned(), of(values)))
            .into()
    }
}

/// So many rows of both as one value, and the labels.
fn inputs(graph: &mut Graph, data: &Data, rows: usize, labels: DType) -> Result<[NodeId; 2], GraphError> {
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let mut columns = |name: &str, owner, count: usize, dtype| {
        graph.input_of(name, &dims(&[rows, count]), Visibility::Private(owner), Role::Data, dtype)
    };
    let first = columns("alice's columns", alice, data.alice.ncols(), DType::Fixed)?;
    let second = columns("bob's columns", bob, data.bob.ncols(), DType::Fixed)?;
    let labels = columns("labels", bob, 1, labels)?;
    Ok([graph.add(Concat { axis: 1 }, &[first, second], "x")?, labels])
}

/// Trains and returns how many of the test rows are right, and the steps taken.
///
/// # Errors
/// If the session fails.
pub fn train(data: &Data, options: Options, told: &mut dyn FnMut(usize, f64)) -> Result<(f64, u64), Error> {
    let network = Linear::new(data.alice.ncols() + data.bob.ncols(), 1);
    let training = Training::new(
        Loss::BceWithLogits(Reduction::Mean),
        Optimiser::sgd(0.1).with_momentum(0.9).with_weight_decay(0.002),
    );
    let mut graph = Graph::new();
    let [x, labels] = inputs(&mut graph, data, BATCH, DType::Fixed)?;
    let step = training.step(&mut graph, &network, x, labels)?;
    let both = [graph.owner("alice"), graph.owner("bob")];
    graph.reveal(step.loss, &both, "loss")?;

    let mut trainer = Trainer::begin(Session::with_options(options)?, training, &graph, &step, 1)?;
    for epoch in 1..=EPOCHS {
        let mut loss = f64::NAN;
        for rows in data.train.chunks_exact(BATCH) {
            let evaluation = trainer.step(&data.rows(rows))?;
            loss = evaluation.revealed.values().next().map_or(loss, |values| values[0].1.to_f64().sum());
        }
        told(epoch, loss);
    }

    // the share of the test rows that are right: nothing else leaves
    let mut graph = Graph::new();
    let [x, labels] = inputs(&mut graph, data, data.test.len(), DType::Bit)?;
    let logits = network.apply(&mut graph, x)?;
    let zero = graph.add(Constant { shape: vec![], value: 0.0 }, &[], "zero")?;
    let says = graph.add(GreaterEqual, &[logits, zero], "says")?;
    let right = graph.add(Equal, &[says, labels], "right")?;
    let right = graph.add(Cast { to: DType::Fixed, rounding: ToWhole::Nearest }, &[right], "right")?;
    let share = graph.add(Mean { axes: vec![0, 1], keepdims: false }, &[right], "accuracy")?;
    let both = [graph.owner("alice"), graph.owner("bob")];
    graph.reveal(share, &both, "accuracy")?;
    let steps = trainer.steps();
    let prepared = trainer.session().prepare(&graph)?;
    let evaluation = trainer.session().evaluate(&prepared, &data.rows(&data.test), &mut |_| ())?;
    let accuracy =
        evaluation.revealed.values().next().and_then(|values| Some(values.first()?.1.to_f64().sum()));
    Ok((accuracy.unwrap_or(f64::NAN), steps))
}
