//! The leaves of a ring program: what owners compute in f64 by themselves, and encode.

use std::collections::BTreeMap;
use tacita_program::{Owner, RingId, RingOp, RingProgram, RingType, Visibility};

use tacita_ring::{RingTensor, encode_at};

use super::plain::{Inputs, evaluate};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::lower::limit;
use crate::lower::proven::leaf_intervals;
use crate::types::Interval;

/// The leaves that `viewer` knows, by ring node: its own and the public ones, or the public ones alone for `None`.
///
/// `inputs` needs the viewer's own and the public data only. All numbers are rounded to the nearest, and must be
/// [`representable`](crate::representable) at the session's precision whatever the leaf's fractional bits; whole numbers
/// below 2^62 in absolute value.
///
/// # Errors
/// If the program was not lowered from `graph`, an input is missing, of another shape or out of its declared
/// range, or a value is not representable. The last two name a value: they are for the owner's eyes.
pub fn encode_leaves(
    graph: &Graph,
    program: &RingProgram,
    viewer: Option<Owner>,
    inputs: &Inputs,
) -> Result<BTreeMap<RingId, RingTensor>, GraphError> {
    encode_some_leaves(graph, program, viewer, inputs, |_| true)
}

/// Those of [`encode_leaves`] that `wanted` names; nothing else is computed. For a party that keeps its encoded weights.
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

/// All leaves, secret ones too, from everybody's data: for evaluating in the clear.
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
    let mut leaves = Vec::new();
    let mut wanted = vec![false; graph.nodes().len()];
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
        let RingType::Ring { frac } = leaf.ty else { return Err(foreign("is made of bits")) };
        wanted[leaf.origin.index()] = true;
        leaves.push((id, leaf.origin, leaf.shape.clone(), frac));
    }
    let values = evaluate(graph, inputs, &wanted)?;
    let intervals = leaf_intervals(graph);
    leaves
        .into_iter()
        .map(|(id, origin, shape, frac)| {
            let value = values[&origin].as_standard_layout();
            let numbers = value.as_slice().unwrap_or_default();
            let limit = limit(graph.node(origin).ty.dtype, program.precision);
            let refused = |reason| GraphError::Encoding {
                node: graph.label(origin),
                op: graph.node(origin).op.name(),
                reason,
            };
            let words = encode_at(numbers, frac, limit).map_err(|error| refused(error.to_string()))?;
            // comparisons may take fewer bits because of it
            let Interval { min, max } = intervals[&origin];
            if let Some(index) = numbers.iter().position(|x| !(min..=max).contains(x)) {
                let value = numbers[index];
                return Err(refused(format!("element {index} ({value}) is outside of {min}..={max}")));
            }
            Ok((id, RingTensor::new(shape, words)))
        })
        .collect()
}
