//! How far fixed point is from floating point on given samples, and which precision fits them.

use std::collections::BTreeMap;

use ndarray::ArrayD;
use serde::Serialize;
use tacita_graph::{Graph, Interval, Nearest, NodeId, Op, PRECISIONS, encode_every_leaf};
use tacita_program::RingId;

use crate::range_bounds::BoundedGraph;
use tacita_identity::hex;
use tacita_session::Error;
use tacita_session::Members;
use tacita_session::Options;
use tacita_session::Prepared;
use tacita_session::bind;

/// Error and headroom of one node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckedNode {
    /// Its name.
    pub name: String,
    /// The operation.
    pub op: String,
    /// Largest magnitude in floating point.
    pub max_abs: f64,
    /// Largest distance of fixed point from floating point.
    pub max_abs_error: f64,
    /// Mean distance.
    pub mean_abs_error: f64,
    /// log2 of the largest magnitude, -64 or more.
    pub observed_bits: f64,
    /// log2 of the largest magnitude that any input can lead to with these weights; `None` where it is not proven that the value,
    /// and what it is computed from, stay in the representable range.
    pub proven_bits: Option<f64>,
    /// Bits between the largest magnitude and the representable limit; negative where it is exceeded.
    pub headroom_bits: f64,
}

/// The ground of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ground {
    /// No input within its declared range leads to a value out of the representable range, with these weights. Rounding errors
    /// are not in it.
    Proof,
    /// The largest value of the samples, which leaves two bits.
    Samples,
}

/// A proposed precision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// Fractional bits: as many as the ground allows.
    pub precision_bits: u32,
    /// 62 − 2·precision_bits: values must stay below 2^range_bits.
    pub range_bits: u32,
    /// The ground for it.
    pub rests_on: Ground,
    /// The same for people.
    pub because: String,
}

/// The error and headroom of a model in fixed point, on samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// The graph's digest, in hexadecimal.
    pub graph_digest: String,
    /// Samples that were evaluated.
    pub samples: usize,
    /// Fractional bits that were checked.
    pub precision_bits: u32,
    /// Values are representable below 2^range_bits.
    pub range_bits: u32,
    /// Largest error of what is revealed.
    pub max_abs_error: f64,
    /// By node whose value exists in the ring.
    pub nodes: Vec<CheckedNode>,
    /// The range that the input is declared to lie in.
    pub input_range: Option<Interval>,
    /// The precision that range bounds allow, unless it has fewer bits than were checked; otherwise the one that fits the samples.
    pub proposal: Proposal,
    /// The other of the two, if it has another precision and there is reason to consider it.
    pub alternative: Option<Proposal>,
}

/// Two bits of headroom above the largest magnitude seen: samples are not proof.
const MARGIN_BITS: f64 = 2.0;

/// Evaluates the samples, all in one batch, in fixed point, rounding to nearest, and in floating point, and compares node by
/// node. `sizes` are open sizes that are given; the others are the samples'.
///
/// # Errors
/// If the samples do not fit the model or a value is out of range.
pub fn check(
    model: &tacita_onnx::Model,
    samples: &ArrayD<f64>,
    sizes: &tacita_onnx::Sizes,
    options: &Options,
) -> Result<Checked, Error> {
    options.check()?;
    let count = crate::batches::check_samples(&model.template, (&model.input, samples))?;
    let sizes = model.template.sizes_of(samples.shape(), sizes)?;
    let bound = bind(&model.template.at(&sizes)?)?;
    let prepared = Prepared::new(bound, &Members::parties(options.party_names()), options.precision)?;
    let (graph, program) = (prepared.graph(), prepared.plan().program());
    let mut inputs = model.parameters.clone();
    inputs.insert(model.input.clone(), samples.clone());
    let exact = tacita_graph::plain_all(graph, &inputs)?;
    let leaves = encode_every_leaf(graph, program, &inputs).map_err(|e| Error::Input(e.to_string()))?;
    let values = tacita_graph::fixed(program, &leaves, &mut Nearest);

    // the last ring value of a graph node is the node's
    let last: BTreeMap<NodeId, RingId> = program.ids().map(|id| (program.node(id).origin, id)).collect();
    let claim = BoundedGraph::new(graph, &exact)?;
    let proven = claim.largest(options.precision)?;
    let limit = f64::from(options.range_bits());
    let mut nodes = Vec::new();
    let mut largest: f64 = 0.0;
    for (id, &ring) in &last {
        let fixed = values[ring.index()].to_f64(program.node(ring).ty);
        let Some(exact) = exact.get(id.index()).filter(|exact| exact.len() == fixed.len()) else { continue };
        let error: Vec<f64> = fixed.iter().zip(exact).map(|(f, e)| (f - e).abs()).collect();
        let max_abs = exact.iter().fold(0.0f64, |m, e| m.max(e.abs()));
        largest = largest.max(max_abs);
        nodes.push(CheckedNode {
            name: graph.label(*id),
            op: graph.node(*id).op.name().to_owned(),
            max_abs,
            max_abs_error: error.iter().copied().fold(0.0, f64::max),
            mean_abs_error: error.iter().sum::<f64>() / error.len().max(1) as f64,
            observed_bits: bits(max_abs),
            proven_bits: proven[id.index()].map(bits),
            headroom_bits: limit - bits(max_abs),
        });
    }
    let reveals = graph.reveals();
    let revealed = |node: &&CheckedNode| reveals.iter().any(|id| graph.label(*id) == node.name);
    let max_abs_error = nodes.iter().filter(revealed).map(|n| n.max_abs_error).fold(0.0, f64::max);
    let input_range = model.template.example().nodes().iter().find_map(|node| match &node.op {
        Op::Input(input) if node.name == model.input => input.range,
        _ => None,
    });
    let by_samples = of_samples(graph, &claim, largest, count)?;
    let by_proof = claim.precision()?.map(|precision| of_proof(precision, input_range));
    let (proposal, alternative) = match by_proof {
        Some(proof) if proof.precision_bits >= by_samples.precision_bits => (proof, None),
        Some(proof) if proof.precision_bits >= options.precision => (proof, Some(by_samples)),
        other => (by_samples, other),
    };
    Ok(Checked {
        graph_digest: hex(&model.template.digest()),
        samples: count,
        precision_bits: options.precision,
        range_bits: options.range_bits(),
        max_abs_error,
        nodes,
        input_range,
        proposal,
        alternative,
    })
}

/// log2 of a magnitude; of what is next to nothing -64.
fn bits(magnitude: f64) -> f64 {
    magnitude.max(f64::MIN_POSITIVE).log2().max(-64.0)
}

/// The greatest precision that leaves two bits above the largest value of the samples, and what could go wrong at it.
fn of_samples(graph: &Graph, claim: &BoundedGraph, largest: f64, count: usize) -> Result<Proposal, Error> {
    let needed = largest.max(1.0).log2() + MARGIN_BITS;
    let precision = (((62.0 - needed) / 2.0).floor() as u32).clamp(*PRECISIONS.start(), *PRECISIONS.end());
    let range_bits = 62 - 2 * precision;
    let doubt = claim.first_doubt(precision)?.map_or(String::new(), |(node, doubt)| {
        let (name, op, peak) = (graph.label(node), doubt.op, number(doubt.peak));
        let why = if doubt.assumed { ", as the input declares no range" } else { "" };
        format!("; not proven: `{name}` ({op}) could reach {peak}{why}")
    });
    let (spare, largest) = (f64::from(range_bits) - bits(largest), number(largest));
    let because = format!("{spare:.1} bits above {largest}, the largest value of {count} samples{doubt}");
    Ok(Proposal { precision_bits: precision, range_bits, rests_on: Ground::Samples, because })
}

/// A magnitude as people read it.
fn number(x: f64) -> String {
    if x < 1e6 { format!("{x:.1}") } else { format!("{x:.3e}") }
}

fn of_proof(precision: u32, input: Option<Interval>) -> Proposal {
    let inputs = match input {
        Some(Interval { min, max }) => format!("every input from {min} to {max}"),
        None => "every input that is representable".to_owned(),
    };
    let because = format!("proven for {inputs}, with these weights");
    Proposal { precision_bits: precision, range_bits: 62 - 2 * precision, rests_on: Ground::Proof, because }
}
