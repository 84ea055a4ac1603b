use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use tacita_program::NodeId;

/// x `times[i]` times one after another along each axis i, the last being the last of x; more numbers than axes give
/// x new ones in front. Any kind.
///
/// # Errors
/// If a number is 0, the result is too large, or it has as many axes as a value may have.
pub fn tile(graph: &mut Graph, x: NodeId, times: &[usize], name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Tile", name);
    let mut shape = b.shape(x);
    let rank = shape.len().max(times.len());
    let new = rank - shape.len();
    shape.splice(0..0, std::iter::repeat_n(1, new));
    let mut x = b.reshape(x, shape)?;
    for (axis, &times) in (rank - times.len()..).zip(times) {
        if times != 1 {
            x = b.copied(x, axis, times, false)?;
        }
    }
    Ok(x)
}
