use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::Max;
use tacita_program::NodeId;

/// The maximum over all axes of x `(n, c, spatial...)` after two, which keep size 1. Fixed.
///
/// # Errors
/// If x has two axes or fewer.
pub fn global_max_pool(graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "GlobalMaxPool", name);
    let mut shape = b.shape(x);
    if shape.len() < 3 {
        return b.refuse("it needs axes after batch and channels");
    }
    let all = b.merged(&shape[2..])?;
    let flat = b.reshape(x, vec![shape[0], shape[1], all])?;
    let largest = b.add(Max { axis: 2, keepdims: true }, &[flat])?;
    shape[2..].fill(1);
    b.reshape(largest, shape)
}
