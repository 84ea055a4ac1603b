use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::Log;
use tacita_program::NodeId;

/// ln(1 + x) for x above -1: a logarithm, right to 2^-11 whatever x is; near 0 that is not relative to x. Fixed.
///
/// # Errors
/// If x is not of kind fixed.
pub fn log1p(graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Log1p", name);
    let sum = b.shifted(x, 1.0)?;
    b.add(Log, &[sum])
}
