//! A quotient by a divisor known to its owner becomes a product: the owner computes 1/b in the clear. The factor 2^8
//! preserves its bits where b is large.

use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Constant, Mul, Op, Reciprocal};
use tacita_program::NodeId;

pub(super) fn by_products(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    let [a, b] = r.inputs(id)[..] else { return Ok(None) };
    let divides = matches!(node.op, Op::Div(_)) && !node.ty.visibility.is_clear();
    if !divides || !r.new.node(b).ty.visibility.is_clear() || matches!(r.new.node(b).op, Op::Constant(_)) {
        return Ok(None);
    }
    let constant = |value| Constant { shape: Vec::new(), value };
    let (up, down) = (r.new.add(constant(256.0), &[], "")?, r.new.add(constant(1.0 / 256.0), &[], "")?);
    let reciprocal = r.new.add(Reciprocal, &[b], "")?;
    let larger = r.new.add(Mul, &[reciprocal, up], "")?;
    let product = r.new.add(Mul, &[a, larger], "")?;
    r.new.add(Mul, &[product, down], &node.name).map(Some)
}
