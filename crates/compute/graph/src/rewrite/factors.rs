//! A value times one public number and then another is multiplied once, by their product: one truncation instead of two.

use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Constant, Mul, Op};
use crate::types::DType;
use tacita_program::NodeId;

/// Products of factors that are kept: beyond, a product might not be representable where its factors are.
const LEAST: f64 = 1.0 / (1 << 30) as f64;
const MOST: f64 = (1 << 14) as f64;

pub(super) fn join(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    if node.ty.dtype != DType::Fixed || node.ty.visibility.is_clear() {
        return Ok(None);
    }
    let inputs = r.inputs(id);
    let Some((outer, product)) = factor(&r.new, &node.op, &inputs) else { return Ok(None) };
    if !r.alone(id, usize::from(inputs[0] != product)) {
        return Ok(None);
    }
    let inner = r.new.node(product);
    let Some((first, x)) = factor(&r.new, &inner.op, &inner.inputs) else { return Ok(None) };
    let value = first * outer;
    // a constant may have given the shape
    let same = r.new.node(x).ty == node.ty;
    if !same || value != 0.0 && !(LEAST..=MOST).contains(&value.abs()) {
        return Ok(None);
    }
    let factor = r.new.add(Constant { shape: vec![], value }, &[], "")?;
    r.new.add(Mul, &[x, factor], &node.name).map(Some)
}

/// The public number that an operation multiplies by, and the value that it multiplies.
fn factor(graph: &Graph, op: &Op, inputs: &[NodeId]) -> Option<(f64, NodeId)> {
    let [a, b] = *inputs else { return None };
    let constant = |id: NodeId| match graph.node(id).op {
        Op::Constant(Constant { value, .. }) => Some(value),
        _ => None,
    };
    let is_quotient = matches!(op, Op::Div(_));
    match (constant(a), constant(b)) {
        (None, Some(value)) if is_quotient => Some((1.0 / value, a)),
        (None, Some(value)) if matches!(op, Op::Mul(_)) => Some((value, a)),
        (Some(value), None) if matches!(op, Op::Mul(_)) => Some((value, b)),
        _ => None,
    }
}
