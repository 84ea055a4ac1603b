use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Clip, Mul};
use tacita_program::NodeId;

/// min(max(x, 0), 6). Two comparisons at once. Fixed.
///
/// # Errors
/// If x is not of kind fixed.
pub fn relu6(graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
    clip(&mut Build::new(graph, "Relu6", name), x, 0.0, 6.0)
}

/// min(max(x, least), most). Two comparisons at once. Fixed.
///
/// # Errors
/// If a bound is not finite, or they are out of order.
pub fn hardtanh(
    graph: &mut Graph,
    x: NodeId,
    least: f64,
    most: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    clip(&mut Build::new(graph, "Hardtanh", name), x, least, most)
}

/// α x + β, cut to 0 and 1. PyTorch's α is 1/6, ONNX's 0.2; β is 1/2 for both. Two comparisons at once. Fixed.
///
/// # Errors
/// If α or β is not finite.
pub fn hardsigmoid(
    graph: &mut Graph,
    x: NodeId,
    alpha: f64,
    beta: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "HardSigmoid", name);
    let scaled = b.scaled(x, alpha)?;
    let line = b.shifted(scaled, beta)?;
    clip(&mut b, line, 0.0, 1.0)
}

/// x min(max(x + 3, 0), 6) / 6 (Howard and others, 2019). Two comparisons at once, and a product. Fixed.
///
/// # Errors
/// If x is not of kind fixed.
pub fn hardswish(graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let gate = hardsigmoid(graph, x, 1.0 / 6.0, 0.5, name)?;
    Build::new(graph, "HardSwish", name).add(Mul, &[x, gate])
}

fn clip(b: &mut Build<'_>, x: NodeId, min: f64, max: f64) -> Result<NodeId, GraphError> {
    b.add(Clip { min: Some(min), max: Some(max) }, &[x])
}
