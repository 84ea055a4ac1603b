use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Mul, Softplus, Tanh};
use tacita_program::NodeId;

/// x tanh(ln(1 + e^x)) (Misra, 2020): softplus, tanh, a product. Fixed.
///
/// # Errors
/// If x is not of kind fixed.
pub fn mish(graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Mish", name);
    let soft = b.add(Softplus, &[x])?;
    let gate = b.add(Tanh, &[soft])?;
    b.add(Mul, &[x, gate])
}
