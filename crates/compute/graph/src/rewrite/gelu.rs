//! GELU as exporters write it: x · 1/2 · (1 + erf(x / √2)), or with tanh(√(2/π) (x + 0.044715 x³)), with factors in any
//! order. One gate replaces a gate and a product, and is more accurate where x is large.

use super::patterns::{both_ways, factors, near, shifted};
use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Gelu, Op};
use tacita_program::NodeId;

pub(super) fn recognise(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    if !matches!(node.op, Op::Mul(_) | Op::Div(_)) {
        return Ok(None);
    }
    let Some((x, tanh)) = matched(r.old, id) else { return Ok(None) };
    let gelu = r.new.add(Gelu { tanh }, &[r.renamed[x.index()]], &node.name)?;
    Ok(r.new.node(gelu).ty.eq(&node.ty).then_some(gelu))
}

/// The argument x if this product is its GELU, and whether it has the tanh form.
fn matched(graph: &Graph, product: NodeId) -> Option<(NodeId, bool)> {
    let (_, parts) = factors(graph, product, None)?;
    parts.into_iter().find_map(|gate| {
        let (f, _) = shifted(graph, gate).filter(|(_, one)| *one == 1.0)?;
        let (inner, tanh) = match (&graph.node(f).op, &graph.node(f).inputs[..]) {
            (Op::Erf(_), &[inner]) => (inner, false),
            (Op::Tanh(_), &[inner]) => (inner, true),
            _ => return None,
        };
        let x = if tanh { of_tanh(graph, inner) } else { of_erf(graph, inner) }?;
        let (half, mut parts) = factors(graph, product, Some(x))?;
        parts.sort_unstable();
        (near(half, 0.5) && (parts == [x, gate] || parts == [gate, x])).then_some((x, tanh))
    })
}

/// Extracts x from x / √2.
fn of_erf(graph: &Graph, inner: NodeId) -> Option<NodeId> {
    let candidates = graph.node(inner).inputs.iter();
    candidates.copied().find(|&x| {
        let product = factors(graph, inner, Some(x));
        product.is_some_and(|(scale, parts)| near(scale, std::f64::consts::FRAC_1_SQRT_2) && parts == [x])
    })
}

/// Extracts x from √(2/π) (x + 0.044715 x³).
fn of_tanh(graph: &Graph, inner: NodeId) -> Option<NodeId> {
    let (scale, parts) = factors(graph, inner, None)?;
    let &[sum] = parts.as_slice() else { return None };
    if !near(scale, (2.0 * std::f64::consts::FRAC_1_PI).sqrt()) || !matches!(graph.node(sum).op, Op::Add(_)) {
        return None;
    }
    let ways = both_ways(&graph.node(sum).inputs);
    ways.into_iter().find_map(|[x, cube]| {
        let (scale, parts) = factors(graph, cube, Some(x))?;
        (near(scale, 0.044715) && parts == [x; 3]).then_some(x)
    })
}
