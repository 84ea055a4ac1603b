use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Neg, Softplus};
use tacita_program::NodeId;

/// ln(1 / (1 + e^-x)), the negative softplus of -x; costs what that costs. Fixed.
///
/// # Errors
/// If x is not of kind fixed.
pub fn log_sigmoid(graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "LogSigmoid", name);
    let negative = b.add(Neg, &[x])?;
    let soft = b.add(Softplus, &[negative])?;
    b.add(Neg, &[soft])
}
