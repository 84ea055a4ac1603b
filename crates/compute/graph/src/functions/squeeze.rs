use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::types::show;
use tacita_program::NodeId;

/// x without `axes`, which have size 1; without any axis of size 1 for `None`. Any kind.
///
/// # Errors
/// If an axis is not x's, named twice, or of another size.
pub fn squeeze(
    graph: &mut Graph,
    x: NodeId,
    axes: Option<&[isize]>,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Squeeze", name);
    let shape = b.shape(x);
    let dropped = match axes {
        Some(axes) => b.axes(x, axes)?,
        None => (0..shape.len()).filter(|&axis| shape[axis] == 1).collect(),
    };
    if let Some(axis) = dropped.iter().find(|&&axis| shape[axis] != 1) {
        return b.refuse(format!("axis {axis} of {} has not size 1", show(&shape)));
    }
    let kept = shape.iter().enumerate().filter(|(axis, _)| !dropped.contains(axis));
    let kept = kept.map(|(_, &dim)| dim).collect();
    b.reshape(x, kept)
}

/// x with new axes of size 1, which are `axes` of the result. Any kind.
///
/// # Errors
/// If an axis is not the result's, or named twice.
pub fn unsqueeze(graph: &mut Graph, x: NodeId, axes: &[isize], name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Unsqueeze", name);
    let mut shape = b.shape(x);
    let mut new = b.axes_of(axes, shape.len() + axes.len())?;
    new.sort_unstable();
    for axis in new {
        shape.insert(axis, 1);
    }
    b.reshape(x, shape)
}
