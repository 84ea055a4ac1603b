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
    if !matches!(node.op, Op::Mul(_)) || node.ty.dtype != DType::Fixed || node.ty.visibility.is_clear() {
        return Ok(None);
    }
    let inputs = r.inputs(id);
    let Some((outer, product)) = factor(&r.new, &inputs) else { return Ok(None) };
    let at = usize::from(inputs[0] != product);
    let inner = r.new.node(product);
    if !matches!(inner.op, Op::Mul(_)) || !r.alone(id, at) {
        return Ok(None);
    }
    let Some((first, x)) = factor(&r.new, &inner.inputs) else { return Ok(None) };
    let value = first * outer;
    if value != 0.0 && !(LEAST..=MOST).contains(&value.abs()) {
        return Ok(None);
    }
    let (shape, same) = (Vec::new(), r.new.node(x).ty == node.ty);
    if !same {
        // a constant gave the shape
        return Ok(None);
    }
    let factor = r.new.add(Constant { shape, value }, &[], "")?;
    r.new.add(Mul, &[x, factor], &node.name).map(Some)
}

/// The public number among two factors, and the other factor.
fn factor(graph: &Graph, inputs: &[NodeId]) -> Option<(f64, NodeId)> {
    let [a, b] = *inputs else { return None };
    let constant = |id: NodeId| match graph.node(id).op {
        Op::Constant(Constant { value, .. }) => Some(value),
        _ => None,
    };
    match (constant(a), constant(b)) {
        (None, Some(value)) => Some((value, a)),
        (Some(value), None) => Some((value, b)),
        _ => None,
    }
}
