//! Layer norm as exporters write it: d / √(mean of d² + ε) with d = x - mean of x, and RMS norm, where d is x itself.
//! The quotient may also be a product with the reciprocal root. The fused operation needs one root, with the right
//! number of fractional bits, and no quotient.

use super::patterns::{both_ways, constant, shifted};
use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Mean, Normalize, Op};
use tacita_program::NodeId;

pub(super) fn recognise(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    let Some((x, op)) = matched(r.old, id) else { return Ok(None) };
    let normal = r.new.add(op, &[r.renamed[x.index()]], &node.name)?;
    Ok(r.new.node(normal).ty.eq(&node.ty).then_some(normal))
}

/// The input and the parameters of the norm that this node computes.
fn matched(graph: &Graph, id: NodeId) -> Option<(NodeId, Normalize)> {
    let node = graph.node(id);
    match (&node.op, &node.inputs[..]) {
        (Op::Div(_), &[d, root]) => by_root(graph, d, root),
        (Op::Mul(_), inputs) => both_ways(inputs).into_iter().find_map(|[d, inverse]| {
            let node = graph.node(inverse);
            match (&node.op, &node.inputs[..]) {
                (Op::Reciprocal(_), &[root]) => by_root(graph, d, root),
                (Op::Div(_), &[one, root]) if constant(graph, one) == Some(1.0) => by_root(graph, d, root),
                (Op::Rsqrt(_), &[sum]) => by_sum(graph, d, sum),
                _ => None,
            }
        }),
        _ => None,
    }
}

fn by_root(graph: &Graph, d: NodeId, root: NodeId) -> Option<(NodeId, Normalize)> {
    let node = graph.node(root);
    if matches!(node.op, Op::Sqrt(_)) { by_sum(graph, d, node.inputs[0]) } else { None }
}

/// Matches d divided by the root of (the mean of d² plus ε).
fn by_sum(graph: &Graph, d: NodeId, sum: NodeId) -> Option<(NodeId, Normalize)> {
    let (mean, epsilon) = shifted(graph, sum).filter(|(_, epsilon)| *epsilon > 0.0)?;
    let (squares, axes) = mean_of(graph, mean)?;
    let squared = graph.node(squares);
    if !matches!(squared.op, Op::Mul(_)) || squared.inputs != [d, d] || axes.is_empty() {
        return None;
    }
    let deviation = graph.node(d);
    if let (Op::Sub(_), &[x, mean]) = (&deviation.op, &deviation.inputs[..])
        && mean_of(graph, mean) == Some((x, axes.clone()))
    {
        return Some((x, Normalize { axes, epsilon, centre: true }));
    }
    Some((d, Normalize { axes, epsilon, centre: false }))
}

/// The input and the axes of a mean that keeps its axes with size 1.
fn mean_of(graph: &Graph, id: NodeId) -> Option<(NodeId, Vec<usize>)> {
    match &graph.node(id).op {
        Op::Mean(Mean { axes, keepdims: true }) => Some((graph.node(id).inputs[0], axes.clone())),
        _ => None,
    }
}
