use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use tacita_program::NodeId;

/// x with its elements moved by `shift` places along each axis of `shifts`, a pair (axis, shift) each; what leaves at
/// one end comes in at the other. Any kind.
///
/// # Errors
/// If an axis is not x's.
pub fn roll(
    graph: &mut Graph,
    x: NodeId,
    shifts: &[(isize, isize)],
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Roll", name);
    let mut x = x;
    for &(axis, shift) in shifts {
        let axis = b.axis(x, axis)?;
        let size = b.size(x, axis);
        let first = (size as i128 - shift as i128).rem_euclid(size as i128) as usize;
        x = b.gather(x, axis, (0..size).map(|at| Some((first + at) % size)))?;
    }
    Ok(x)
}
