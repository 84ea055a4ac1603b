//! What runs in this process: demo, infer, plan, check, export-graph.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use tacita::graph::Interval;
use tacita::onnx::{BATCH, ImportOptions, Sizes};
use tacita::{Link, Options};

use super::values::{batch, network, parties, range, size};
use crate::failure::Failure;
use crate::scale::Scale;

/// Classify 200 shipped images of digits privately with a shipped network
///
/// Alice has the images, Bob the network (LeNet). Two parties and a dealer run in this process; Alice learns the
/// result, Bob nothing. Prints what each layer cost, some labels, times, and how often the private and the plain
/// network are right. Needs no files.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita demo
  tacita demo --link 20,100     as if on a network of 20 ms latency and 100 Mbit/s
  tacita demo --parties 3")]
pub struct DemoArguments {
    #[command(flatten)]
    pub local: LocalArguments,
}

/// Run a model privately on your samples, in this process
///
/// Alice owns the samples and receives the result, Bob owns the weights, further parties compute with them. The result
/// is compared with the float model's, outside of what is timed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita infer model.onnx --input x.npy --output logits.npy
  tacita infer models/lenet.onnx --input models/mnist-test.npz:images --scale 255 \\
               --labels models/mnist-test.npz:labels --argmax --report report.json
  tacita infer model.onnx --input x.npy --link 20,100 --parties 3

Only the labels are revealed with --argmax, the numbers before it otherwise. Output files appear whole or not at all.")]
pub struct InferArguments {
    /// The network, as ONNX
    #[arg(value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub model: PathBuf,
    #[command(flatten)]
    pub samples: SampleArguments,
    /// Declare that the input, scaled, lies between two numbers: everybody learns them, data outside is refused
    #[arg(long, value_name = "LOW..HIGH", value_parser = range, allow_hyphen_values = true)]
    pub range: Option<Interval>,
    /// Write the result here as .npy: f32, or i64 with --argmax
    #[arg(long, value_name = "Y.npy", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Reveal which class is largest, and not by how much
    #[arg(long)]
    pub argmax: bool,
    /// Right labels to compare with, one integer a sample: L.npy or FILE.npz:NAME
    #[arg(long, value_name = "L", value_hint = ValueHint::FilePath)]
    pub labels: Option<String>,
    #[command(flatten)]
    pub sizes: SizeArguments,
    #[command(flatten)]
    pub local: LocalArguments,
    #[command(flatten)]
    pub insecure: super::InsecureArguments,
    /// Write what it cost as JSON here
    #[arg(long, value_name = "R.json", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
    /// Write what each member did when here, to look at in Perfetto (ui.perfetto.dev) or chrome://tracing
    #[arg(long, value_name = "T.json", value_hint = ValueHint::FilePath)]
    pub timeline: Option<PathBuf>,
}

/// Tell what a model will cost and reveal, without running it
///
/// Rounds and bytes by node, who learns what, which numbers of the model are public, communication times on a LAN and a
/// WAN, the digest that parties compare, and warnings where a value could leave the representable range.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita plan model.onnx --batch 32
  tacita plan model.onnx --argmax --parties 3 --json
  tacita plan model.onnx --link 5,500     on a network of 5 ms latency and 500 Mbit/s
  tacita plan model.graph       a graph that export-graph wrote; it has owners and reveals already
  tacita plan model.graph --session session.toml     as that session's members would run it")]
pub struct PlanArguments {
    /// A network as ONNX, or a graph that export-graph wrote
    #[arg(value_name = "MODEL.onnx|GRAPH", value_hint = ValueHint::FilePath)]
    pub model: PathBuf,
    #[command(flatten)]
    pub sizes: SizeArguments,
    /// Computing parties, the dealer not counted [default: 2, or as many as own or receive something]
    #[arg(long, value_name = "N", value_parser = parties())]
    pub parties: Option<u8>,
    /// Plan for the members of this session, and at its precision
    #[arg(
        long, value_name = "SESSION.toml", value_hint = ValueHint::FilePath, conflicts_with_all = ["parties", "bits"]
    )]
    pub session: Option<PathBuf>,
    /// Predict times for this network too: one-way latency and rate of each directed link
    #[arg(long, value_name = "LATENCY_MS,MBIT", value_parser = network)]
    pub link: Option<Link>,
    #[command(flatten)]
    pub owners: OwnerArguments,
    #[command(flatten)]
    pub precision: PrecisionArguments,
}

/// Compare fixed point with floating point on samples, in the clear
///
/// Private evaluation computes in fixed point. This computes your samples both ways, without any protocol, and tells by
/// node how far apart they are and how much room is left below the largest representable number. Proposes a precision: one at
/// which no input within --range can leave the representable range with these weights, where that can be proven; else one
/// that leaves two bits above these samples.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita check model.onnx --input x.npy
  tacita check models/lenet.onnx --input models/mnist-200.npz:images --scale 255 --range 0..1
  tacita check models/lenet.onnx --input models/mnist-200.npz:images --scale 255 --precision 12")]
pub struct CheckArguments {
    /// The network, as ONNX
    #[arg(value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub model: PathBuf,
    #[command(flatten)]
    pub samples: SampleArguments,
    /// Declare that the input, scaled, lies between two numbers, so that what follows from it is proven
    #[arg(long, value_name = "LOW..HIGH", value_parser = range, allow_hyphen_values = true)]
    pub range: Option<Interval>,
    /// Use at most this many samples, the first ones [default: 64; fewer for large models]
    #[arg(long = "samples", value_name = "N", value_parser = batch, allow_negative_numbers = true)]
    pub most: Option<NonZeroUsize>,
    #[command(flatten)]
    pub sizes: SizeArguments,
    #[command(flatten)]
    pub precision: PrecisionArguments,
}

/// Write a model's graph without its weights, for the other parties
///
/// The file holds a template: the operations, the shapes, who owns and who receives what. Sizes that the model leaves open
/// stay open unless --size fixes them. `plan` reads it, and its digest is the one that reports have.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  tacita export-graph model.onnx --weights bob --input alice --reveal alice --argmax -o model.graph
  tacita plan model.graph")]
pub struct ExportArguments {
    /// The network, as ONNX
    #[arg(value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub model: PathBuf,
    #[command(flatten)]
    pub owners: OwnerArguments,
    #[command(flatten)]
    pub sizes: SizeArguments,
    /// The file to write
    #[arg(short, long, value_name = "GRAPH", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
}

/// Numbers for the sizes that a model leaves open.
#[derive(Debug, Default, Args)]
pub struct SizeArguments {
    /// Fix a size that the model leaves open, such as sequence=128; several times for several sizes [default: what the
    /// input's data says]
    #[arg(long = "size", value_name = "NAME=N", value_parser = size)]
    pub sizes: Vec<(String, NonZeroUsize)>,
    /// Samples evaluated together, the same as --size batch=B. Where samples mix, only all of them can be [default: all if 64
    /// or fewer, else 32; fewer for large models, all where samples mix; to plan 1; what the model fixes]
    #[arg(long, value_name = "B", value_parser = batch, allow_negative_numbers = true)]
    pub batch: Option<NonZeroUsize>,
}

impl SizeArguments {
    /// The open sizes that are given, and the batch among them.
    pub fn given(&self) -> Result<(Sizes, Option<usize>), Failure> {
        let mut sizes = Sizes::new();
        let batch = self.batch.map(|batch| (BATCH.to_owned(), batch));
        for (name, size) in self.sizes.iter().cloned().chain(batch) {
            if let Some(other) = sizes.insert(name.clone(), size.get())
                && other != size.get()
            {
                return Err(Failure::usage(format!("size {name}: {other} and {size} are given")));
            }
        }
        let batch = sizes.remove(BATCH);
        Ok((sizes, batch))
    }
}

/// Samples and how to scale them.
#[derive(Debug, Args)]
pub struct SampleArguments {
    /// Samples, first axis the batch: X.npy or FILE.npz:NAME, of floats or integers
    #[arg(long, value_name = "X", value_hint = ValueHint::FilePath)]
    pub input: String,
    /// Divide samples by S, so 255 for bytes of pixels; 1/255 or 0.00392156862745098 say the same, as numbers below 1
    /// and fractions are factors [default: samples are used as they are]
    #[arg(long, value_name = "S")]
    pub scale: Option<Scale>,
}

/// Who owns and receives what.
#[derive(Debug, Args)]
pub struct OwnerArguments {
    /// Who owns the weights [default: bob]
    #[arg(long, value_name = "OWNER")]
    pub weights: Option<String>,
    /// Who owns the model's input [default: alice]
    #[arg(long = "input", visible_alias = "input-owner", value_name = "OWNER")]
    pub input_owner: Option<String>,
    /// To whom the result is revealed; several by commas [default: alice]
    #[arg(long, value_name = "OWNER", value_delimiter = ',')]
    pub reveal: Vec<String>,
    /// Reveal which class is largest, and not by how much
    #[arg(long)]
    pub argmax: bool,
    /// Declare that the input, scaled, lies between two numbers: everybody learns them, data outside is refused
    #[arg(long, value_name = "LOW..HIGH", value_parser = range, allow_hyphen_values = true)]
    pub range: Option<Interval>,
}

/// How a local session runs.
#[derive(Debug, Args)]
pub struct LocalArguments {
    /// Computing parties, 2 to 16; the dealer comes in addition
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = parties())]
    pub parties: u8,
    /// Threads of each party and of the dealer [default: of a party its share of the processor's; of the dealer, which
    /// computes while parties wait for it, all]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// What connects the members: memory, loopback (TCP with TLS on this machine), or LATENCY_MS,MBIT, one-way for each
    /// directed link
    #[arg(long, value_name = "LINK", default_value = "loopback")]
    pub link: Link,
    #[command(flatten)]
    pub precision: PrecisionArguments,
}

/// Fixed point.
#[derive(Debug, Args)]
pub struct PrecisionArguments {
    /// Fractional bits, 4 to 24; values must stay below 2^(62 - 2 BITS)
    #[arg(long = "precision", value_name = "BITS", default_value_t = 16, value_parser = clap::value_parser!(u8).range(4..=24))]
    pub bits: u8,
}

impl LocalArguments {
    /// The session's settings.
    pub fn options(&self) -> Options {
        let parties = usize::from(self.parties);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = |default: usize| self.threads.map_or(default.clamp(1, 256), usize::from);
        Options {
            parties,
            // the dealer may go on while the parties compute, so a party's share is one of so many more
            threads: threads(cores / (parties + 1)),
            dealer_threads: threads(cores),
            link: self.link,
            precision: self.precision.bits.into(),
            ..Options::default()
        }
    }
}

impl OwnerArguments {
    /// Whether any was given.
    pub fn any(&self) -> bool {
        self.weights.is_some()
            || self.input_owner.is_some()
            || !self.reveal.is_empty()
            || self.argmax
            || self.range.is_some()
    }

    /// As the import takes them.
    pub fn import_options(&self) -> ImportOptions {
        let or = |name: &Option<String>, default: String| name.clone().unwrap_or(default);
        let default = ImportOptions::default();
        ImportOptions {
            weights_owner: or(&self.weights, default.weights_owner),
            input_owner: or(&self.input_owner, default.input_owner),
            receivers: if self.reveal.is_empty() { default.receivers } else { self.reveal.clone() },
            argmax: self.argmax,
            input_range: self.range,
        }
    }
}

/// Measure on this machine
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    Ops(BenchOpsArguments),
    Models(BenchModelsArguments),
}

/// Time operations on secrets, and count what they cost
///
/// Two parties and a dealer run in this process, over real links. Seconds are offline and online together, of all of them:
/// the median of five runs after a warm-up. An operation starts at the sum of what two parties put in, and its result is kept
/// in shares at the precision of the session; bits are revealed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita bench ops
  tacita bench ops relu sigmoid --threads 2
  tacita bench ops relu matmul --size 1000 --size 2000
  tacita bench ops --json > ops.json")]
pub struct BenchOpsArguments {
    /// Only these operations
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Elements of each operand, or for matrices rows and columns; several times for several rows. Of operations on operands
    /// of one size [default: 1000000, for matrices 1000 or 1024]
    #[arg(long = "size", value_name = "N", value_parser = batch, allow_negative_numbers = true)]
    pub sizes: Vec<NonZeroUsize>,
    /// Write what each member did when in the last run of each operation here, to look at in Perfetto (ui.perfetto.dev)
    #[arg(long, value_name = "T.json", value_hint = ValueHint::FilePath)]
    pub timeline: Option<PathBuf>,
    #[command(flatten)]
    pub local: LocalArguments,
}

/// Time networks of real size, and count what they cost
///
/// LeNet on 32 digits, ResNet-18 and ResNet-50 on an image of 224×224, Wav2Letter on 16 s of speech, an encoder layer of
/// BERT-base on 128 tokens; random weights. Two parties and a dealer run in a process for each network, over real links.
/// Offline and online are those of the median of five runs after a warm-up. The bound is what arithmetic, bytes and rounds
/// take at the rates of this machine, which are measured first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita bench models
  tacita bench models lenet resnet18 --parties 3
  tacita bench models resnet18 --link 20,100     as if on a network of 20 ms latency and 100 Mbit/s
  tacita bench models --json > models.json")]
pub struct BenchModelsArguments {
    /// Only these networks: lenet, resnet18, resnet50, wav2letter, bert-layer
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Samples evaluated together [default: 32 for lenet, 1 for the others]
    #[arg(long, value_name = "B", value_parser = batch, allow_negative_numbers = true)]
    pub batch: Option<NonZeroUsize>,
    /// Write what each member did when in the median run here, to look at in Perfetto (ui.perfetto.dev); of one network
    #[arg(long, value_name = "T.json", value_hint = ValueHint::FilePath)]
    pub timeline: Option<PathBuf>,
    #[command(flatten)]
    pub local: LocalArguments,
}
