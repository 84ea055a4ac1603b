//! How far fixed point is from floating point on given samples, and which precision fits them.

use std::collections::BTreeMap;

use ndarray::ArrayD;
use serde::Serialize;
use tacita_graph::{Nearest, NodeId, PRECISIONS, encode_every_leaf};

use crate::error::Error;
use crate::members::Members;
use crate::options::Options;
use crate::prepared::Prepared;
use crate::report::hex;
use crate::session::bind;

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
    /// Bits between the largest magnitude and the representable limit; negative where it is exceeded.
    pub headroom_bits: f64,
}

/// What to use instead.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// Fractional bits: as many as leave `range_bits` for the samples.
    pub precision_bits: u32,
    /// 62 − 2·precision_bits.
    pub range_bits: u32,
}

/// What the samples say of a model in fixed point.
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
    /// What fits the samples. It rests on these samples alone: others may need more range.
    pub proposal: Proposal,
}

/// Two bits of headroom above the largest magnitude seen: samples are not proof.
const MARGIN_BITS: f64 = 2.0;

/// Evaluates the samples in fixed point, rounding to nearest, and in floating point, and compares node by node.
///
/// # Errors
/// If the samples do not fit the model or a value is out of range.
pub fn check(model: &tacita_onnx::Model, samples: &ArrayD<f64>, options: &Options) -> Result<Checked, Error> {
    options.check()?;
    let count = crate::infer::check_samples(model, samples)?;
    let bound = bind(&model.graph, count)?;
    let prepared = Prepared::new(bound, &Members::parties(options.party_names()), options.precision)?;
    let (graph, program) = (prepared.graph(), prepared.plan().program());
    let mut inputs = model.parameters.clone();
    inputs.insert(model.input.clone(), samples.clone());
    let exact = tacita_graph::plain_all(graph, &inputs)?;
    let leaves = encode_every_leaf(graph, program, &inputs).map_err(|e| Error::Input(e.to_string()))?;
    let values = tacita_graph::fixed(program, &leaves, &mut Nearest);

    // the last ring value of a graph node is the node's
    let mut last: BTreeMap<NodeId, ArrayD<f64>> = BTreeMap::new();
    for (id, value) in program.ids().zip(&values) {
        let node = program.node(id);
        last.insert(node.origin, value.to_f64(node.kind));
    }
    let limit = f64::from(options.range_bits());
    let mut nodes = Vec::new();
    let mut largest: f64 = 0.0;
    for (id, fixed) in &last {
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
            headroom_bits: limit - max_abs.max(f64::MIN_POSITIVE).log2().max(-64.0),
        });
    }
    let reveals = graph.reveals();
    let revealed = |node: &&CheckedNode| reveals.iter().any(|id| graph.label(*id) == node.name);
    let max_abs_error = nodes.iter().filter(revealed).map(|n| n.max_abs_error).fold(0.0, f64::max);
    let needed = largest.max(1.0).log2() + MARGIN_BITS;
    let precision_bits =
        (((62.0 - needed) / 2.0).floor() as u32).clamp(*PRECISIONS.start(), *PRECISIONS.end());
    Ok(Checked {
        graph_digest: hex(&model.graph.digest()),
        samples: count,
        precision_bits: options.precision,
        range_bits: options.range_bits(),
        max_abs_error,
        nodes,
        proposal: Proposal { precision_bits, range_bits: 62 - 2 * precision_bits },
    })
}
