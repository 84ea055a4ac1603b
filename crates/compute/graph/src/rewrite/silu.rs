//! x · sigmoid(x), the form in which exporters write SiLU: one gate replaces a gate and a product.

use super::patterns::both_ways;
use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Op, Silu};
use tacita_program::NodeId;

pub(super) fn recognise(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    if !matches!(node.op, Op::Mul(_)) {
        return Ok(None);
    }
    let is_gate = |x: NodeId, gate: NodeId| {
        let gate = r.old.node(gate);
        matches!(gate.op, Op::Sigmoid(_)) && gate.inputs == [x]
    };
    match both_ways(&node.inputs).into_iter().find(|&[x, gate]| is_gate(x, gate)) {
        Some([x, _]) => r.new.add(Silu, &[r.renamed[x.index()]], &node.name).map(Some),
        None => Ok(None),
    }
}
