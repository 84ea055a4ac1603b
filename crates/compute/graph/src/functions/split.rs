use super::{Build, narrow};
use crate::error::GraphError;
use crate::graph::Graph;
use tacita_program::NodeId;

/// Parts of x of these sizes along `axis`. Any kind.
///
/// # Errors
/// If the axis is not x's, or the sizes do not add up to it.
pub fn split(
    graph: &mut Graph,
    x: NodeId,
    sizes: &[usize],
    axis: isize,
    name: &str,
) -> Result<Vec<NodeId>, GraphError> {
    let b = Build::new(graph, "Split", name);
    let axis = b.axis(x, axis)?;
    let size = b.size(x, axis);
    let sum = sizes.iter().try_fold(0usize, |sum, &part| sum.checked_add(part));
    if sum != Some(size) {
        return b.refuse(format!("parts of {sizes:?} of an axis of {size}"));
    }
    let mut start = 0;
    let mut part = |&length: &usize| {
        start += length;
        narrow(b.graph, x, axis as isize, start - length, length, name)
    };
    sizes.iter().map(&mut part).collect()
}

/// Parts of x of one size along `axis`, the last perhaps smaller: `parts` of them, or fewer where that is enough (as
/// in PyTorch: the size is that of the axis divided by `parts`, rounded up). Any kind.
///
/// # Errors
/// If the axis is not x's, or `parts` is 0.
pub fn chunk(
    graph: &mut Graph,
    x: NodeId,
    parts: usize,
    axis: isize,
    name: &str,
) -> Result<Vec<NodeId>, GraphError> {
    let b = Build::new(graph, "Chunk", name);
    let axis = b.axis(x, axis)?;
    let size = b.size(x, axis);
    if parts == 0 {
        return b.refuse("no parts");
    }
    let each = size.div_ceil(parts);
    let sizes: Vec<usize> = (0..size).step_by(each).map(|start| each.min(size - start)).collect();
    split(b.graph, x, &sizes, axis as isize, name)
}
