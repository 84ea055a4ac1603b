use super::{Build, squeeze};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Abs, Max, Mean, Mul, Normalize, Sqrt, Sum};
use tacita_program::NodeId;

/// Which norm of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// The sum of absolute values: a comparison an element.
    One,
    /// The root of the sum of squares: a product an element, a root a vector.
    Two,
    /// The largest absolute value: a comparison an element, and those of the maximum.
    Infinity,
}

/// A norm of the vectors along axes taken together. Fixed.
///
/// # Errors
/// If there are no axes, or one is not x's or named twice.
pub fn norm(
    graph: &mut Graph,
    x: NodeId,
    p: Norm,
    axes: &[isize],
    keepdims: bool,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Norm", name);
    let axes = b.sorted_axes(x, axes)?;
    if axes.is_empty() {
        return b.refuse("there are no axes");
    }
    match p {
        Norm::One => {
            let sizes = b.add(Abs, &[x])?;
            b.add(Sum { axes, keepdims }, &[sizes])
        }
        Norm::Two => {
            let squares = b.add(Mul, &[x, x])?;
            let sum = b.add(Sum { axes, keepdims }, &[squares])?;
            b.add(Sqrt, &[sum])
        }
        Norm::Infinity => {
            let mut largest = b.add(Abs, &[x])?;
            for &axis in &axes {
                largest = b.add(Max { axis, keepdims: true }, &[largest])?;
            }
            let gone: Vec<isize> = axes.iter().map(|&axis| axis as isize).collect();
            if keepdims { Ok(largest) } else { squeeze(b.graph, largest, Some(&gone), name) }
        }
    }
}

/// The vectors along an axis at length 1: x / √(Σ x² + ε). As [`Normalize`], and a product by a public number. Fixed.
///
/// # Errors
/// If the axis is not x's, or the batch, or ε is not above 0.
pub fn unit_vectors(
    graph: &mut Graph,
    x: NodeId,
    axis: isize,
    epsilon: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "UnitVectors", name);
    let axis = b.axis(x, axis)?;
    let n = b.size(x, axis) as f64;
    let normal = b.add(Normalize { axes: vec![axis], epsilon: epsilon / n, centre: false }, &[x])?;
    b.scaled(normal, 1.0 / n.sqrt())
}

/// The cosine of the angle between vectors along an axis, with broadcasting: the mean of the products of both at mean
/// square 1. ε is added to the sums of squares. Two normalisations and a product. Fixed.
///
/// # Errors
/// If the axis is not both's, or the batch, or the shapes do not fit.
pub fn cosine_similarity(
    graph: &mut Graph,
    x: NodeId,
    y: NodeId,
    axis: isize,
    epsilon: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "CosineSimilarity", name);
    let mut normals = [x, y];
    for vector in &mut normals {
        let along = b.axis(*vector, axis)?;
        let epsilon = epsilon / b.size(*vector, along) as f64;
        *vector = b.add(Normalize { axes: vec![along], epsilon, centre: false }, &[*vector])?;
    }
    let products = b.add(Mul, &normals)?;
    let axes = vec![b.axis(products, axis)?];
    b.add(Mean { axes, keepdims: false }, &[products])
}
