use super::Build;
use crate::error::GraphError;
use crate::graph::{Graph, NodeId};

/// x with each element `times` times, one after another, along `axis`. Any kind.
///
/// # Errors
/// If the axis is not x's, `times` is 0, or the result is too large.
pub fn repeat(
    graph: &mut Graph,
    x: NodeId,
    times: usize,
    axis: isize,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Repeat", name);
    let axis = b.axis(x, axis)?;
    let size = b.size(x, axis)?;
    let length = b.checked_length(size, times)?;
    b.gather(x, axis, (0..length).map(|at| Some(at / times)))
}
