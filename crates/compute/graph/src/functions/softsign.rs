use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Abs, GreaterEqual, Neg, Reciprocal, Select, Sub};
use tacita_program::NodeId;

/// x / (1 + |x|), as 1 - 1 / (1 + |x|) with the sign of x, which holds however large x is: a comparison, which |x| and the sign
/// share, and a reciprocal. Fixed.
///
/// # Errors
/// If x is not of kind fixed.
pub fn softsign(graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Softsign", name);
    let size = b.add(Abs, &[x])?;
    let more = b.shifted(size, 1.0)?;
    let reciprocal = b.add(Reciprocal, &[more])?;
    let one = b.constant(1.0)?;
    let value = b.add(Sub, &[one, reciprocal])?;
    let opposite = b.add(Neg, &[value])?;
    let zero = b.constant(0.0)?;
    let positive = b.add(GreaterEqual, &[x, zero])?;
    b.add(Select, &[positive, value, opposite])
}
