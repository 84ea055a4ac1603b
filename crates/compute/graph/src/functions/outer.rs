use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::Mul;
use crate::types::dims;
use tacita_program::NodeId;

/// The products of each element of a with each of b, a matrix; values with more axes are taken as vectors. Fixed.
///
/// # Errors
/// If they are of another kind.
pub fn outer(graph: &mut Graph, a: NodeId, b: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let mut build = Build::new(graph, "Outer", name);
    let (rows, columns) = (build.shape(a).iter().product(), build.shape(b).iter().product());
    let a = build.reshape(a, dims(&[rows, 1]))?;
    let b = build.reshape(b, dims(&[1, columns]))?;
    build.add(Mul, &[a, b])
}
