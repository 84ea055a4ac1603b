use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use tacita_program::NodeId;

/// x with each element `times` times, one after another, along `axis`. Any kind.
///
/// # Errors
/// If the axis is not x's, `times` is 0, the result is too large, or x has as many axes as a value may have.
pub fn repeat(
    graph: &mut Graph,
    x: NodeId,
    times: usize,
    axis: isize,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Repeat", name);
    let axis = b.axis(x, axis)?;
    b.copied(x, axis, times, true)
}
