//! Constant folding: an operation on constants becomes a constant if one number fills its result.

use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Constant, Op};
use tacita_program::NodeId;

pub(super) fn fold(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    let value = |id: NodeId| match r.new.node(id).op {
        Op::Constant(Constant { value, .. }) => Some(value),
        _ => None,
    };
    let Some(constants) = r.inputs(id).into_iter().map(value).collect::<Option<Vec<f64>>>() else {
        return Ok(None);
    };
    if constants.is_empty() {
        return Ok(None);
    }
    match node.op.operation().fold(&constants).filter(|value| value.is_finite()) {
        Some(value) => {
            let constant = Constant { shape: node.ty.shape.clone(), value };
            r.new.add(constant, &[], &node.name).map(Some)
        }
        None => Ok(None),
    }
}
