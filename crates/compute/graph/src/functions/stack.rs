use super::{Build, unsqueeze};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::Concat;
use tacita_program::NodeId;

/// The values one after another along `axis`, which they have. Any kind, the same for all.
///
/// # Errors
/// If there are none, they differ in kind or on another axis, or the axis is not theirs.
pub fn concat(graph: &mut Graph, parts: &[NodeId], axis: isize, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Concat", name);
    let Some(&first) = parts.first() else { return b.refuse("there is nothing to concatenate") };
    let axis = b.axis(first, axis)?;
    b.add(Concat { axis }, parts)
}

/// The values, of one shape, along a new axis, which is `axis` of the result. Any kind, the same for all.
///
/// # Errors
/// As [`concat()`].
pub fn stack(graph: &mut Graph, parts: &[NodeId], axis: isize, name: &str) -> Result<NodeId, GraphError> {
    let b = Build::new(graph, "Stack", name);
    let Some(&first) = parts.first() else { return b.refuse("there is nothing to stack") };
    let axis = b.axis_of(axis, b.graph.node(first).ty.rank() + 1)? as isize;
    let parts = parts.iter().map(|&part| unsqueeze(b.graph, part, &[axis], name));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    concat(b.graph, &parts, axis, name)
}
