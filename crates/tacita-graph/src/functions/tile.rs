use super::Build;
use crate::error::GraphError;
use crate::graph::{Graph, NodeId};
use crate::types::Dim;

/// x `times[i]` times one after another along each axis i, the last being the last of x; more numbers than axes give
/// x new ones in front. Any kind.
///
/// # Errors
/// If a number is 0, or the result is too large.
pub fn tile(graph: &mut Graph, x: NodeId, times: &[usize], name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Tile", name);
    let mut shape = b.shape(x);
    let rank = shape.len().max(times.len());
    let new = rank - shape.len();
    shape.splice(0..0, std::iter::repeat_n(Dim::Known(1), new));
    let mut x = b.reshape(x, shape)?;
    for (axis, &times) in (rank - times.len()..).zip(times) {
        if times != 1 {
            let size = b.size(x, axis)?;
            let length = b.checked_length(size, times)?;
            x = b.gather(x, axis, (0..length).map(|at| Some(at % size)))?;
        }
    }
    Ok(x)
}
