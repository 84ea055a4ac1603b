use super::Build;
use crate::error::GraphError;
use crate::graph::{Graph, NodeId};
use crate::ops::{LogSoftmax, Softmax};
use crate::types::Dim;

/// e^x over the sum of e^x along neighbouring axes taken together, or its logarithm. As [`Softmax`] or [`LogSoftmax`] of
/// one axis. Fixed.
///
/// # Errors
/// If there are no axes, they are not neighbours in ascending order, or the batch is among them.
pub fn softmax(
    graph: &mut Graph,
    x: NodeId,
    axes: &[isize],
    log: bool,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Softmax", name);
    let axes = b.axes(x, axes)?;
    let &[axis, ..] = axes.as_slice() else { return b.refuse("there are no axes") };
    if axes.windows(2).any(|pair| pair[1] != pair[0] + 1) {
        return b.refuse(format!("axes {axes:?} are not neighbours in ascending order"));
    }
    let shape = b.shape(x);
    if axes.iter().any(|&axis| shape[axis] == Dim::Batch) {
        return b.refuse("it mixes samples of the batch, which is symbolic; fix it first");
    }
    let mut merged = shape.clone();
    let one = b.merged(&shape[axis..axis + axes.len()])?;
    merged.splice(axis..axis + axes.len(), [one]);
    let x = b.reshape(x, merged)?;
    let result = if log { b.add(LogSoftmax { axis }, &[x])? } else { b.add(Softmax { axis }, &[x])? };
    b.reshape(result, shape)
}
