//! Reports: the costs and results of an evaluation, for programs to read.

use serde::{Deserialize, Serialize};
use tacita_graph::{Graph, Op};

/// Version of the report's format.
pub const REPORT_VERSION: u32 = 1;

/// Totals over all batches of an inference. Field names are those of the JSON report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Version of this format.
    pub version: u32,
    /// The graph's digest, in hexadecimal; `plan` prints the same.
    pub graph_digest: String,
    /// Computing parties.
    pub parties: usize,
    /// Threads of each party.
    pub threads: usize,
    /// Threads of the dealer, if it was in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dealer_threads: Option<usize>,
    /// The machine's processor.
    pub cpu: String,
    /// The links between the members.
    pub transport: String,
    /// Fractional bits.
    pub precision_bits: u32,
    /// Values are representable below 2^range_bits.
    pub range_bits: u32,
    /// Samples.
    pub samples: usize,
    /// Samples of a batch.
    pub batch: usize,
    /// Rounds of the online phase.
    pub rounds: u64,
    /// Payload sent online by the party that sent most.
    pub online_bytes_per_party: u64,
    /// The same as sent on the links, of all parties, framing and encryption included.
    pub wire_bytes: u64,
    /// Payload sent by the dealer.
    pub offline_bytes: u64,
    /// Payload sent once a session, to open the weights, by the party that sent most.
    pub setup_bytes_per_party: u64,
    /// Wall times.
    pub seconds: Seconds,
    /// Largest resident size of the process, with all local members.
    pub peak_rss_bytes: u64,
    /// Largest distance from the float model; none with argmax.
    pub max_abs_error: Option<f64>,
    /// Mean distance from the float model; none with argmax.
    pub mean_abs_error: Option<f64>,
    /// Fraction of samples whose label is the float model's; with argmax.
    pub argmax_agreement: Option<f64>,
    /// Fraction of correct labels, privately.
    pub accuracy: Option<f64>,
    /// Fraction of correct labels of the float model.
    pub accuracy_plain: Option<f64>,
    /// All that anyone learned.
    pub reveals: Vec<Reveal>,
    /// By node.
    pub nodes: Vec<NodeReport>,
    /// Notes of the model's import.
    pub notes: Vec<String>,
}

/// Wall times of an evaluation.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Seconds {
    /// Connections, seeds, weights: once a session.
    pub setup: f64,
    /// Everything dealt and precomputed.
    pub offline: f64,
    /// From the input's first use to the reveal.
    pub online: f64,
    /// All three.
    pub total: f64,
}

/// A value that was opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reveal {
    /// The node.
    pub value: String,
    /// To whom.
    pub to: Vec<String>,
    /// Of which shape, over all samples.
    pub shape: Vec<usize>,
}

impl Reveal {
    /// Everything that a graph reveals, in its order.
    pub fn all(graph: &Graph) -> Vec<Reveal> {
        let reveal = |id| {
            let node = graph.node(id);
            let Op::Reveal(reveal) = &node.op else { return None };
            let to = reveal.to.iter().map(|to| graph.owners()[to.0 as usize].clone()).collect();
            Some(Reveal { value: graph.label(id), to, shape: node.ty.shape.clone() })
        };
        graph.reveals().into_iter().filter_map(reveal).collect()
    }
}

/// One graph node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// The operation.
    pub op: String,
    /// Rounds; those of different nodes overlap.
    pub rounds: u64,
    /// Payload sent by the party that sent most.
    pub online_bytes: u64,
    /// Payload sent by the dealer.
    pub offline_bytes: u64,
    /// Seconds of online computing at the slowest party.
    pub seconds: f64,
}

/// The largest resident size of this process, 0 where the system does not tell.
pub fn peak_rss_bytes() -> u64 {
    status_field("/proc/self/status", "VmHWM:")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}

/// The processor's name and instruction set, as far as the system tells.
pub fn cpu() -> String {
    let name = status_field("/proc/cpuinfo", "model name")
        .map(|t| t.trim_start_matches([':', ' ', '\t']).to_owned());
    let name = name.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {cores} cores, {:?}", tacita_ring::simd::Level::current())
}

fn status_field(file: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)).map(|rest| rest.trim().to_owned())
}
