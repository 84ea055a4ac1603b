//! A laboratory, alice, has a small transformer that she trained to read the digits 0 to 4. A bank, bob, has handwritten digits
//! of its own, 5 to 9, and which they are. They fine-tune alice's network, which takes far fewer steps than to train one from
//! nothing: its body is frozen and stays her private input, the last encoder layer begins at her private values, and a new
//! classifier at random ones.
//!
//! Neither shows the other a number: not the network, neither alice's part nor what it becomes, which is with both in shares,
//! and not the digits. What both learn is the loss of each batch, and how often the network is right, before and after.
//!
//! `cargo run --release -p tacita --example fine_tune`; `tools/make_transformer.py` trained alice's network.

use std::path::{Path, PathBuf};

use ndarray::{ArrayD, Axis, arr1, s};
use tacita::graph::ops::{Add, ArgMax, Cast, Equal, Mean, ToWhole};
use tacita::graph::{DType, Graph, GraphError, Inputs, NodeId, Owner, Role, Visibility, dims, plain};
use tacita::nn::{
    Frozen, Init, Layer, Linear, Loss, Net, Optimiser, Reduction, Sequential, Step, Training,
    TransformerEncoderLayer,
};
use tacita::{Error, Options, Pretrained, Session, Trainer};
use tacita_data::{Source, read, read_labels, read_safetensors};

/// Rows of a digit, and numbers of a row.
const SIDE: usize = 14;
const WIDTH: usize = 32;
const CLASSES: usize = 5;
const BATCH: usize = 16;
const STEPS: usize = 120;
const SEED: u64 = 1;

fn main() -> Result<(), Error> {
    let setting = Setting::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models"), STEPS)?;
    let accuracy = setting.fine_tune(Options::default(), &mut |step, loss| {
        if step.is_multiple_of(20) {
            println!("step {step:>3}: loss of the batch {loss:.3}");
        }
    })?;
    let clear = setting.in_the_clear()?;
    let count = setting.test.labels.len();
    for (what, [before, after]) in [("privately", accuracy), ("the same in the clear", clear)] {
        let (before, after) = (100.0 * before, 100.0 * after);
        println!(
            "{what}: of {count} digits 5 to 9 {before:.1} % are right before, {after:.1} % after {STEPS} steps"
        );
    }
    Ok(())
}

/// Rows of a digit, each to a vector, and where in the picture it is: a layer of this program's own.
struct Rows;

impl Layer for Rows {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let position = net.parameter("position", &[SIDE, WIDTH], Init::ZEROS)?;
        let x = net.within("linear", |net| Linear::new(SIDE, WIDTH).forward(net, x))?;
        net.graph().add(Add, &[x, position], "rows")
    }
}

/// One vector of a sequence.
struct MeanOverSteps;

impl Layer for MeanOverSteps {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        net.graph().add(Mean { axes: vec![1], keepdims: false }, &[x], "mean over steps")
    }
}

/// The network: a body that is alice's, the layer that is trained, and the classifier.
fn network() -> Sequential {
    let encoder = || TransformerEncoderLayer::new(WIDTH, 4).with_inner(64).with_dropout(0.0);
    let body = Sequential::new().then(Rows).then(encoder()).then(encoder());
    Sequential::new()
        .then(Frozen::new(body, "alice"))
        .then(encoder())
        .then(MeanOverSteps)
        .then(Linear::new(WIDTH, CLASSES))
}

fn training() -> Training {
    Training::new(Loss::CrossEntropy(Reduction::Mean), Optimiser::sgd(0.02).with_momentum(0.9))
}

/// Bob's digits as sequences, and which of 5 to 9 each is.
pub struct Digits {
    images: ArrayD<f64>,
    labels: Vec<usize>,
}

impl Digits {
    fn read(path: PathBuf) -> Result<Digits, Error> {
        let input = |error: tacita_data::DataError| Error::Input(error.to_string());
        let array = |name: &str| Source::Npz(path.clone(), Some(name.to_owned()));
        let images = read(&array("images")).map_err(input)?;
        let labels = read_labels(&array("labels")).map_err(input)?;
        let own: Vec<usize> = (0..labels.len()).filter(|&at| labels[at] >= CLASSES as i64).collect();
        // half the resolution
        let images = ArrayD::from_shape_fn(vec![own.len(), SIDE, SIDE], |at| {
            let (down, right) = (2 * at[1], 2 * at[2]);
            images.slice(s![own[at[0]], 0, down..down + 2, right..right + 2]).sum() / (4.0 * 255.0)
        });
        Ok(Digits { images, labels: own.iter().map(|&at| labels[at] as usize - CLASSES).collect() })
    }
}

/// Who has what.
pub struct Setting {
    /// Alice's network, by parameter.
    pretrained: Inputs,
    train: Digits,
    /// Digits of bob's that are kept apart.
    pub test: Digits,
    steps: usize,
}

/// Alice and bob.
fn members(graph: &mut Graph) -> [Owner; 2] {
    ["alice", "bob"].map(|name| graph.owner(name))
}

/// So many digits of bob's, and which they are.
fn digits(graph: &mut Graph, count: usize) -> Result<[NodeId; 2], GraphError> {
    let bob = Visibility::Private(members(graph)[1]);
    let x = graph.input("digits", &dims(&[count, SIDE, SIDE]), bob, Role::Data)?;
    let labels = graph.input_of("labels", &dims(&[count]), bob, Role::Data, DType::Int)?;
    Ok([x, labels])
}

/// A graph of a step, with what is trained in it.
struct Tuning {
    graph: Graph,
    step: Step,
}

impl Tuning {
    fn new() -> Result<Tuning, GraphError> {
        let mut graph = Graph::new();
        let [x, labels] = digits(&mut graph, BATCH)?;
        let step = training().step(&mut graph, &network(), x, labels)?;
        let both = members(&mut graph);
        graph.reveal(step.loss, &both, "loss")?;
        Ok(Tuning { graph, step })
    }

    /// The parameters that begin at alice's values: all that are trained but the classifier.
    fn of_alice(&self) -> Vec<&str> {
        let names = self.step.parameters.iter().map(|parameter| parameter.name.as_str());
        names.filter(|name| name.starts_with("1.")).collect()
    }
}

/// The share of the test digits that the network is right about.
fn test_graph(count: usize) -> Result<Graph, GraphError> {
    let mut graph = Graph::new();
    let [x, labels] = digits(&mut graph, count)?;
    let logits = network().apply(&mut graph, x)?;
    let says = graph.add(ArgMax { axis: 1, keepdims: false }, &[logits], "says")?;
    let right = graph.add(Equal, &[says, labels], "right")?;
    let right = graph.add(Cast { to: DType::Fixed, rounding: ToWhole::Nearest }, &[right], "right")?;
    let share = graph.add(Mean { axes: vec![0], keepdims: false }, &[right], "share")?;
    let both = members(&mut graph);
    graph.reveal(share, &both, "accuracy")?;
    Ok(graph)
}

impl Setting {
    /// Reads alice's network and bob's digits from this folder; between organisations each would read its own.
    ///
    /// # Errors
    /// If a file is not there.
    pub fn read(folder: &Path, steps: usize) -> Result<Setting, Error> {
        let (train, test) = (folder.join("digits-bob.npz"), folder.join("mnist-test.npz"));
        let network = read_safetensors(&folder.join("transformer.safetensors"));
        let tensors = network.map_err(|error| Error::Input(error.to_string()))?.tensors;
        let pretrained = tensors.into_iter().collect();
        Ok(Setting { pretrained, train: Digits::read(train)?, test: Digits::read(test)?, steps })
    }

    /// What alice and bob give for these digits.
    fn inputs(&self, of: &Digits, rows: &[usize]) -> Inputs {
        let labels: Vec<f64> = rows.iter().map(|&row| of.labels[row] as f64).collect();
        let mut inputs = self.pretrained.clone();
        inputs.insert("digits".to_owned(), of.images.select(Axis(0), rows));
        inputs.insert("labels".to_owned(), arr1(&labels).into_dyn());
        inputs
    }

    /// For a step.
    fn batch(&self, number: usize) -> Inputs {
        let count = self.train.labels.len();
        let rows: Vec<usize> = (0..BATCH).map(|at| (number * BATCH + at) % count).collect();
        self.inputs(&self.train, &rows)
    }

    /// For the test.
    fn tests(&self) -> Inputs {
        let rows: Vec<usize> = (0..self.test.labels.len()).collect();
        self.inputs(&self.test, &rows)
    }

    /// Fine-tunes, and returns how many of the test digits are right before and after.
    ///
    /// # Errors
    /// If the session fails.
    pub fn fine_tune(&self, options: Options, told: &mut dyn FnMut(usize, f64)) -> Result<[f64; 2], Error> {
        let tuning = Tuning::new()?;
        let pretrained =
            Pretrained { owner: "alice", parameters: &tuning.of_alice(), values: &self.pretrained };
        let session = Session::with_options(options)?;
        let mut trainer =
            Trainer::begin_from(session, training(), &tuning.graph, &tuning.step, SEED, &pretrained)?;
        let before = self.accuracy(&mut trainer)?;
        for number in 0..self.steps {
            let evaluation = trainer.step(&self.batch(number))?;
            let loss =
                evaluation.revealed.values().next().and_then(|values| Some(values.first()?.1.to_f64().sum()));
            told(number + 1, loss.unwrap_or(f64::NAN));
        }
        Ok([before, self.accuracy(&mut trainer)?])
    }

    fn accuracy(&self, trainer: &mut Trainer) -> Result<f64, Error> {
        let graph = test_graph(self.test.labels.len())?;
        let prepared = trainer.session().prepare(&graph)?;
        let evaluation = trainer.session().evaluate(&prepared, &self.tests(), &mut |_| ())?;
        let share =
            evaluation.revealed.values().next().and_then(|values| Some(values.first()?.1.to_f64().sum()));
        Ok(share.unwrap_or(f64::NAN))
    }

    /// The same where nothing is private.
    ///
    /// # Errors
    /// If a graph is malformed.
    pub fn in_the_clear(&self) -> Result<[f64; 2], GraphError> {
        let tuning = Tuning::new()?;
        let kept = |graph: &Graph, inputs: &Inputs| -> Result<Inputs, GraphError> {
            let values = plain(graph, inputs)?;
            let keeps = graph.keeps().into_iter();
            Ok(keeps.map(|id| (graph.node(id).name.clone(), values[&id].clone())).collect())
        };
        let test = test_graph(self.test.labels.len())?;
        let accuracy = |state: &Inputs| -> Result<f64, GraphError> {
            let mut inputs = self.tests();
            inputs.extend(state.clone());
            Ok(plain(&test, &inputs)?.values().next().map_or(f64::NAN, |share| share.sum()))
        };
        let mut start = Graph::new();
        let mut inputs = tuning.step.start(&mut start)?.values(SEED);
        let of_alice = tuning.of_alice().into_iter();
        inputs.extend(of_alice.map(|name| (format!("initial {name}"), self.pretrained[name].clone())));
        let mut state = kept(&start, &inputs)?;
        let before = accuracy(&state)?;
        for number in 0..self.steps {
            let mut inputs = self.batch(number);
            inputs.extend(state);
            state = kept(&tuning.graph, &inputs)?;
        }
        Ok([before, accuracy(&state)?])
    }
}
