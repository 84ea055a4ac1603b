//! Removes operations without effect, and replaces clips that are a ReLU.

use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Clip, Constant, Op, Relu};
use tacita_program::NodeId;

pub(super) fn remove(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    let inputs = r.inputs(id);
    let constant = |i: usize| match r.new.node(inputs[i]).op {
        Op::Constant(Constant { value, .. }) => Some(value),
        _ => None,
    };
    let producer = |i: usize| &r.new.node(inputs[i]).op;
    let candidate = match &node.op {
        // The type is the same, so no element moved.
        Op::Reshape(_) | Op::Expand(_) | Op::Slice(_) | Op::Pad(_) => Some(inputs[0]),
        Op::Transpose(op) if op.perm.is_sorted() => Some(inputs[0]),
        Op::Gather(op) if op.indices.iter().copied().eq(0..op.indices.len() as u32) => Some(inputs[0]),
        Op::Concat(_) if inputs.len() == 1 => Some(inputs[0]),
        Op::Sum(op) if op.axes.is_empty() => Some(inputs[0]),
        Op::Mean(op) if op.axes.is_empty() => Some(inputs[0]),
        Op::Add(_) | Op::Sub(_) if constant(1) == Some(0.0) => Some(inputs[0]),
        Op::Add(_) if constant(0) == Some(0.0) => Some(inputs[1]),
        Op::Mul(_) if constant(1) == Some(1.0) => Some(inputs[0]),
        Op::Mul(_) if constant(0) == Some(1.0) => Some(inputs[1]),
        Op::Relu(_) if matches!(producer(0), Op::Relu(_) | Op::ReluMaxPool(_)) => Some(inputs[0]),
        Op::Neg(_) if matches!(producer(0), Op::Neg(_)) => Some(r.new.node(inputs[0]).inputs[0]),
        Op::Not(_) if matches!(producer(0), Op::Not(_)) => Some(r.new.node(inputs[0]).inputs[0]),
        Op::Clip(Clip { min: None, max: None }) => Some(inputs[0]),
        Op::Clip(Clip { min: Some(0.0), max: None }) => {
            return r.new.add(Relu, &inputs, &node.name).map(Some);
        }
        _ => None,
    };
    Ok(candidate.and_then(|candidate| r.same(id, candidate)))
}
