use super::{Build, flip, narrow};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Concat, Mul};
use tacita_program::NodeId;

/// The product of all elements up to each along an axis; from the end on with `reverse`. Each step doubles how many
/// elements a product has (Hillis and Steele, 1986), so that an axis of n costs log2 n products one after another, each
/// truncated once. Fixed.
///
/// # Errors
/// If the axis is not x's, or the batch.
pub fn cum_prod(
    graph: &mut Graph,
    x: NodeId,
    axis: isize,
    reverse: bool,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "CumProd", name);
    let at = b.axis(x, axis)?;
    let size = b.size(x, at);
    let mut x = if reverse { flip(b.graph, x, &[axis], name)? } else { x };
    let mut distance = 1;
    while distance < size {
        let head = narrow(b.graph, x, axis, 0, distance, name)?;
        let earlier = narrow(b.graph, x, axis, 0, size - distance, name)?;
        let later = narrow(b.graph, x, axis, distance, size - distance, name)?;
        let products = b.add(Mul, &[earlier, later])?;
        x = b.add(Concat { axis: at }, &[head, products])?;
        distance *= 2;
    }
    if reverse { flip(b.graph, x, &[axis], name) } else { Ok(x) }
}
