use ndarray::ArrayD;
use tacita_program::NodeId;

use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::types::dims;

/// The elements of x at public `indices` along `axis`, which the shape of the indices replaces: NumPy's `take`, and
/// ONNX's `Gather`. Negative indices count from the end. Any kind.
///
/// # Errors
/// If the axis is not x's, or an index is out of range.
pub fn take(
    graph: &mut Graph,
    x: NodeId,
    indices: &ArrayD<i64>,
    axis: isize,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Take", name);
    let axis = b.axis(x, axis)?;
    let size = b.size(x, axis);
    let places =
        indices.iter().map(|&index| b.index(index, size).map(Some)).collect::<Result<Vec<_>, _>>()?;
    let picked = b.gather(x, axis, places)?;
    let mut shape = b.shape(picked);
    shape.splice(axis..=axis, dims(indices.shape()));
    b.reshape(picked, shape)
}
