//! A convolution whose input and kernel belong to one owner, with another owner's bias: the first owner convolves in
//! the clear, and only the addition remains for the ring.

use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Add, Op, Reshape};
use crate::types::dims;
use tacita_program::NodeId;

pub(super) fn split(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    let inputs = r.inputs(id);
    let (Op::Conv(conv), &[x, w, bias]) = (&node.op, &inputs[..]) else { return Ok(None) };
    let product = r.new.node(x).ty.visibility.join(r.new.node(w).ty.visibility);
    if node.ty.visibility.is_clear() || !product.is_clear() {
        return Ok(None);
    }
    let product = r.new.add(conv.clone(), &[x, w], &format!("{}.product", node.name))?;
    let mut shape = r.new.node(bias).ty.shape.clone();
    shape.extend(dims(&vec![1; node.ty.rank() - 2]));
    let bias = r.new.add(Reshape { shape }, &[bias], &format!("{}.bias", node.name))?;
    r.new.add(Add, &[product, bias], &node.name).map(Some)
}
