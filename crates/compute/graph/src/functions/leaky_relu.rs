use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Add, Clip, Greater, Maximum, Minimum, Mul, Select, Sub};
use tacita_program::NodeId;

/// x above 0, slope · x below: the maximum of both, or the minimum if the slope is above 1. One comparison. Fixed.
///
/// # Errors
/// If the slope is not finite.
pub fn leaky_relu(graph: &mut Graph, x: NodeId, slope: f64, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "LeakyRelu", name);
    let below = b.scaled(x, slope)?;
    if slope <= 1.0 { b.add(Maximum, &[x, below]) } else { b.add(Minimum, &[x, below]) }
}

/// x above 0, slope · x below, for slopes that are a value themselves, with broadcasting. One comparison and a product.
/// Fixed.
///
/// # Errors
/// If the shapes do not fit.
pub fn prelu(graph: &mut Graph, x: NodeId, slope: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "PRelu", name);
    let low = b.add(Clip { min: None, max: Some(0.0) }, &[x])?;
    let high = b.add(Sub, &[x, low])?;
    let low = b.add(Mul, &[low, slope])?;
    b.add(Add, &[high, low])
}

/// x where it is above α, else 0. One comparison and a selection. Fixed.
///
/// # Errors
/// If α is not finite.
pub fn thresholded_relu(graph: &mut Graph, x: NodeId, alpha: f64, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "ThresholdedRelu", name);
    let threshold = b.constant(alpha)?;
    let above = b.add(Greater, &[x, threshold])?;
    let zero = b.constant(0.0)?;
    b.add(Select, &[above, x, zero])
}
