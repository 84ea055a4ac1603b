//! The leaves of a ring program: values that owners compute locally in f64 and encode.

use std::collections::BTreeMap;
use tacita_program::{NodeId, Owner, RingId, RingOp, RingProgram, RingType, Visibility};

use tacita_ring::RingTensor;

use super::plain::{Integers, data, evaluate_each};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::lower::leaves::leaf_intervals;
use crate::lower::limit;
use crate::ops::Op;
use crate::types::Interval;
use crate::value::{Inputs, Value};

/// The leaves known to `viewer`, by ring node: its own and the public ones; for `None` the public ones alone.
///
/// `inputs` needs only the viewer's own and the public data. Real numbers are rounded to the nearest, and must be
/// [`representable`](crate::representable) at the session's precision, whatever the leaf's fractional bits. Integers
/// are exact and must be below 2^62 in absolute value, or below 2^53 if the owner computes with them.
///
/// # Errors
/// If the program was not lowered from `graph`, an input is missing, has another shape or leaves its declared range, or
/// a value is not representable. The last two errors contain a value, so only the owner may see them.
pub fn encode_leaves(
    graph: &Graph,
    program: &RingProgram,
    viewer: Option<Owner>,
    inputs: &Inputs,
) -> Result<BTreeMap<RingId, RingTensor>, GraphError> {
    encode_some_leaves(graph, program, viewer, inputs, |_| true)
}

/// The leaves of [`encode_leaves`] that `wanted` names, without computing others. For a party that keeps its encoded
/// weights.
///
/// # Errors
/// As [`encode_leaves`].
pub fn encode_some_leaves(
    graph: &Graph,
    program: &RingProgram,
    viewer: Option<Owner>,
    inputs: &Inputs,
    wanted: impl Fn(RingId) -> bool,
) -> Result<BTreeMap<RingId, RingTensor>, GraphError> {
    encode(graph, program, inputs, |id, visibility| {
        let known = match visibility {
            Visibility::Public => true,
            Visibility::Private(owner) => Some(owner) == viewer,
            Visibility::Secret => false,
        };
        known && wanted(id)
    })
}

/// All leaves, secret ones too, from all owners' data, for an evaluation in the clear.
///
/// # Errors
/// As [`encode_leaves`].
pub fn encode_every_leaf(
    graph: &Graph,
    program: &RingProgram,
    inputs: &Inputs,
) -> Result<BTreeMap<RingId, RingTensor>, GraphError> {
    encode(graph, program, inputs, |_, _| true)
}

fn encode(
    graph: &Graph,
    program: &RingProgram,
    inputs: &Inputs,
    known: impl Fn(RingId, Visibility) -> bool,
) -> Result<BTreeMap<RingId, RingTensor>, GraphError> {
    let encoder = Encoder { graph, program, intervals: leaf_intervals(graph) };
    let mut encoded = BTreeMap::new();
    let mut computed: BTreeMap<NodeId, Vec<RingId>> = BTreeMap::new();
    for id in program.ids() {
        let leaf = program.node(id);
        if !matches!(leaf.op, RingOp::Input { .. }) || !known(id, leaf.visibility) {
            continue;
        }
        let foreign = |what: &str| GraphError::ForeignProgram(format!("leaf {} {what}", id.0));
        let node = graph.nodes().get(leaf.origin.index()).ok_or_else(|| foreign("has no node"))?;
        let elements: usize = node.ty.shape.iter().product();
        if elements != leaf.shape.iter().product() || node.ty.visibility != leaf.visibility {
            return Err(foreign("is of another type than its node"));
        }
        if matches!(leaf.ty, RingType::Bits { .. }) {
            return Err(foreign("is made of bits"));
        }
        if let Op::Input(input) = &node.op {
            // encode directly from the data's original type
            encoded.insert(id, encoder.leaf(id, data(graph, leaf.origin, input, inputs)?)?);
        } else {
            computed.entry(leaf.origin).or_default().push(id);
        }
    }
    let mut wanted = vec![false; graph.nodes().len()];
    computed.keys().for_each(|origin| wanted[origin.index()] = true);
    evaluate_each(graph, inputs, &wanted, Integers::Exact, |origin, value| {
        let value = Value::from(value.clone());
        for &id in &computed[&origin] {
            encoded.insert(id, encoder.leaf(id, &value)?);
        }
        Ok(())
    })?;
    Ok(encoded)
}

struct Encoder<'a> {
    graph: &'a Graph,
    program: &'a RingProgram,
    intervals: BTreeMap<NodeId, Interval>,
}

impl Encoder<'_> {
    /// A leaf's value in the ring, if it lies within the bounds that lowering assumed.
    fn leaf(&self, id: RingId, value: &Value) -> Result<RingTensor, GraphError> {
        let leaf = self.program.node(id);
        let node = self.graph.node(leaf.origin);
        let refused =
            |reason| GraphError::Encoding { node: self.graph.label(leaf.origin), op: node.op.name(), reason };
        let limit = limit(node.ty.dtype, self.program.precision);
        let encoded = value.encode(&leaf.shape, leaf.ty.frac(), limit);
        let encoded = encoded.map_err(|error| refused(error.to_string()))?;
        // comparisons may use fewer bits because of these bounds
        let interval = self.intervals[&leaf.origin];
        if let Some((index, x)) = value.position(|x, exact| interval.holds(x, exact)) {
            let Interval { min, max } = interval;
            return Err(refused(format!("element {index} ({x}) is outside of {min}..={max}")));
        }
        Ok(encoded)
    }
}
