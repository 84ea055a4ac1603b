use super::{Build, narrow, squeeze};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Concat, Mul};
use tacita_program::NodeId;

/// The product over axes: halves are multiplied, so that an axis of n costs log2 n products one after another, each
/// truncated once. Over no axes it is x. Fixed.
///
/// # Errors
/// If an axis is not x's, named twice, or the batch.
pub fn prod(
    graph: &mut Graph,
    x: NodeId,
    axes: &[isize],
    keepdims: bool,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Prod", name);
    let axes = b.axes(x, axes)?;
    let mut x = x;
    for &axis in &axes {
        loop {
            let size = b.size(x, axis);
            let half = size / 2;
            if half == 0 {
                break;
            }
            let first = narrow(b.graph, x, axis as isize, 0, half, name)?;
            let second = narrow(b.graph, x, axis as isize, half, half, name)?;
            let mut products = b.add(Mul, &[first, second])?;
            if size > 2 * half {
                let last = narrow(b.graph, x, axis as isize, 2 * half, 1, name)?;
                products = b.add(Concat { axis }, &[products, last])?;
            }
            x = products;
        }
    }
    if keepdims || axes.is_empty() {
        return Ok(x);
    }
    let axes: Vec<isize> = axes.into_iter().map(|axis| axis as isize).collect();
    squeeze(b.graph, x, Some(&axes), name)
}
