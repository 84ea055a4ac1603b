use super::Build;
use crate::error::GraphError;
use crate::graph::{Graph, NodeId};
use crate::ops::Div;

/// x / (1 + |x|): one comparison and a quotient. Fixed.
///
/// # Errors
/// If x is not of kind fixed.
pub fn softsign(graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Softsign", name);
    let size = b.magnitude(x)?;
    let divisor = b.shifted(size, 1.0)?;
    b.add(Div, &[x, divisor])
}
