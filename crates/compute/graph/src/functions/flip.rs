use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use tacita_program::NodeId;

/// x with its elements in reverse order along `axes`; along none it is x. Any kind.
///
/// # Errors
/// If an axis is not x's or named twice.
pub fn flip(graph: &mut Graph, x: NodeId, axes: &[isize], name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Flip", name);
    let mut x = x;
    for axis in b.axes(x, axes)? {
        let size = b.size(x, axis);
        x = b.gather(x, axis, (0..size).rev().map(Some))?;
    }
    Ok(x)
}
