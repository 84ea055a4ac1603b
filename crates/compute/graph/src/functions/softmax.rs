use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{LogSoftmax, LogSumExp, Softmax};
use tacita_program::NodeId;

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
    let mut merged = shape.clone();
    let one = b.merged(&shape[axis..axis + axes.len()])?;
    merged.splice(axis..axis + axes.len(), [one]);
    let x = b.reshape(x, merged)?;
    let result = if log { b.add(LogSoftmax { axis }, &[x])? } else { b.add(Softmax { axis }, &[x])? };
    b.reshape(result, shape)
}

/// The logarithm of the sum of e^x over axes, which are put last and taken as one. As [`LogSumExp`] of one axis. Fixed.
///
/// # Errors
/// If there are no axes, one is not x's or named twice, or the batch is among several or moves.
pub fn log_sum_exp(
    graph: &mut Graph,
    x: NodeId,
    axes: &[isize],
    keepdims: bool,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "LogSumExp", name);
    let axes = b.sorted_axes(x, axes)?;
    match axes[..] {
        [] => return b.refuse("there are no axes"),
        [axis] => return b.add(LogSumExp { axis, keepdims }, &[x]),
        _ => {}
    }
    let shape = b.shape(x);
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let mut merged: Vec<usize> = kept.iter().map(|&axis| shape[axis]).collect();
    merged.push(b.merged(&axes.iter().map(|&axis| shape[axis]).collect::<Vec<_>>())?);
    let axis = kept.len();
    let x = b.transpose(x, [kept, axes.clone()].concat())?;
    let x = b.reshape(x, merged)?;
    let result = b.add(LogSumExp { axis, keepdims: false }, &[x])?;
    if !keepdims {
        return Ok(result);
    }
    let one = |(axis, &dim): (usize, &usize)| if axes.contains(&axis) { 1 } else { dim };
    let ones = shape.iter().enumerate().map(one).collect();
    b.reshape(result, ones)
}
