use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Mean, Mul, Sqrt, Sub};
use tacita_program::NodeId;

/// The mean of squares over axes. One product; what it sums keeps all its bits. Fixed.
///
/// # Errors
/// If an axis is not x's or named twice.
pub fn mean_square(
    graph: &mut Graph,
    x: NodeId,
    axes: &[isize],
    keepdims: bool,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "MeanSquare", name);
    let axes = b.sorted_axes(x, axes)?;
    let squares = b.add(Mul, &[x, x])?;
    b.add(Mean { axes, keepdims }, &[squares])
}

/// The variance over axes: the squares of what is left without the mean, summed and divided by their number less `ddof`
/// (0 as NumPy has it, 1 as PyTorch). One product. Fixed.
///
/// # Errors
/// If an axis is not x's, named twice or the batch, or there are not more than `ddof` elements.
pub fn var(
    graph: &mut Graph,
    x: NodeId,
    axes: &[isize],
    ddof: usize,
    keepdims: bool,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Var", name);
    let axes = b.sorted_axes(x, axes)?;
    let mut count = 1.0;
    for &axis in &axes {
        count *= b.size(x, axis) as f64;
    }
    let degrees = count - ddof as f64;
    if degrees <= 0.0 {
        return b.refuse(format!("{ddof} degrees of freedom off {count} elements"));
    }
    let mean = b.add(Mean { axes: axes.clone(), keepdims: true }, &[x])?;
    let deviation = b.add(Sub, &[x, mean])?;
    let squares = b.add(Mul, &[deviation, deviation])?;
    let variance = b.add(Mean { axes, keepdims }, &[squares])?;
    b.scaled(variance, count / degrees)
}

/// The standard deviation over axes, the root of the [`var`]iance. Fixed.
///
/// # Errors
/// As [`var`].
pub fn std(
    graph: &mut Graph,
    x: NodeId,
    axes: &[isize],
    ddof: usize,
    keepdims: bool,
    name: &str,
) -> Result<NodeId, GraphError> {
    let variance = var(graph, x, axes, ddof, keepdims, name)?;
    Build::new(graph, "Std", name).add(Sqrt, &[variance])
}
