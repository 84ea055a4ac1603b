use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use tacita_program::NodeId;

/// The matrices in the last two axes with zeros below diagonal number `k` (0: the main one, above it 1, 2, ...). Any
/// kind.
///
/// # Errors
/// If x has fewer than two axes, or they are the batch.
pub fn triu(graph: &mut Graph, x: NodeId, k: isize, name: &str) -> Result<NodeId, GraphError> {
    kept(graph, x, "Triu", name, |row, column| column.saturating_sub(row) >= k)
}

/// The matrices in the last two axes with zeros above diagonal number `k` (0: the main one, above it 1, 2, ...). Any
/// kind.
///
/// # Errors
/// As [`triu`].
pub fn tril(graph: &mut Graph, x: NodeId, k: isize, name: &str) -> Result<NodeId, GraphError> {
    kept(graph, x, "Tril", name, |row, column| column.saturating_sub(row) <= k)
}

fn kept(
    graph: &mut Graph,
    x: NodeId,
    function: &'static str,
    name: &str,
    keep: impl Fn(isize, isize) -> bool,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, function, name);
    let (flat, [rows, columns]) = b.flat_matrices(x)?;
    let axis = b.shape(flat).len() - 1;
    let place = |at: usize| keep((at / columns) as isize, (at % columns) as isize).then_some(at);
    let triangle = b.gather(flat, axis, (0..rows * columns).map(place))?;
    let shape = b.shape(x);
    b.reshape(triangle, shape)
}
