//! ReLU with max pooling: max(0, x) and the maximum over windows commute, so zero becomes one more candidate of the
//! pooling, and the ReLU has no cost of its own.

use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Op, ReluMaxPool};
use tacita_program::NodeId;

pub(super) fn fuse(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    let Some(&x) = r.inputs(id).first() else { return Ok(None) };
    let before = r.new.node(x);
    let pool = match (&node.op, &before.op) {
        (Op::Relu(_), Op::ReluMaxPool(_)) => return Ok(Some(x)),
        (Op::MaxPool(pool), Op::Relu(_)) | (Op::Relu(_), Op::MaxPool(pool)) if r.alone(id, 0) => pool.clone(),
        _ => return Ok(None),
    };
    let source = before.inputs[0];
    r.new.add(ReluMaxPool { pool }, &[source], &node.name).map(Some)
}
