//! Gradients as a graph transform: reverse accumulation (Linnainmaa 1970) over the arena, from the loss back.
//!
//! Each operation's rule stands in its own file, [`Operation::gradient`](crate::ops). Rules use the results of the forward
//! pass and transposes of its values, so that its openings and comparisons serve the backward pass as well.

mod backward;

pub(crate) use backward::Backward;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::Constant;
use crate::types::DType;
use tacita_program::NodeId;

/// Adds nodes for the derivative of `loss`, one number, with respect to each node of `of`, in the shapes of these.
///
/// Conditions (bits) and indices carry no derivative, and roundings and signs have that of a constant, as in PyTorch. Where a
/// function has none (the kink of an absolute value) it is one of the two sides'.
///
/// # Errors
/// If `loss` is not one fixed number, an operation on the way has no derivative, or no path leads from a node of `of` to the
/// loss that has one: never a silent zero.
pub fn grad(graph: &mut Graph, loss: NodeId, of: &[NodeId]) -> Result<Vec<NodeId>, GraphError> {
    let ty = graph.node(loss).ty.clone();
    if ty.dtype != DType::Fixed || ty.shape.iter().any(|&dim| dim != 1) {
        return Err(GraphError::Loss { node: graph.label(loss), shape: ty.shape, dtype: ty.dtype });
    }
    let count = loss.index() + 1;
    let mut depends = vec![false; count];
    for id in graph.ids().take(count) {
        let node = graph.node(id);
        let from = of.contains(&id) || node.inputs.iter().any(|input| depends[input.index()]);
        depends[id.index()] = node.ty.dtype == DType::Fixed && from;
    }
    let mut reached: Vec<Option<NodeId>> = vec![None; count];
    reached[loss.index()] = Some(graph.add(Constant { shape: ty.shape, value: 1.0 }, &[], "")?);
    for index in (0..count).rev() {
        let id = NodeId(index as u32);
        let Some(of_result) = reached[index].filter(|_| depends[index]) else { continue };
        let node = graph.node(id);
        if node.inputs.iter().any(|input| depends[input.index()]) {
            let op = node.op.clone();
            op.operation().gradient(&mut Backward::new(graph, &depends, &mut reached, id, of_result))?;
        }
    }
    let found = |&id: &NodeId| {
        let found = reached.get(id.index()).copied().flatten();
        found.ok_or_else(|| GraphError::NoPath { node: graph.label(id), end: end(graph, &reached, id) })
    };
    of.iter().map(found).collect()
}

/// The first operation on the way from a node to the loss, the last that can be reached, that lets no derivative through, if
/// there is a way.
fn end(graph: &Graph, reached: &[Option<NodeId>], from: NodeId) -> Option<String> {
    let fixed = |id: NodeId| graph.node(id).ty.dtype == DType::Fixed;
    let mut after = vec![false; reached.len()];
    for id in graph.ids().take(reached.len()) {
        after[id.index()] = id == from || graph.node(id).inputs.iter().any(|input| after[input.index()]);
    }
    // what the loss is computed from and is computed from the node
    let mut between = vec![false; reached.len()];
    *between.last_mut()? = *after.last()?;
    for (index, node) in graph.nodes().iter().enumerate().take(reached.len()).rev() {
        if between[index] {
            node.inputs.iter().for_each(|input| between[input.index()] |= after[input.index()]);
        }
    }
    let ends = |id: &NodeId| {
        let cut = |input: &NodeId| between[input.index()] && reached[input.index()].is_none();
        let opens = !fixed(*id) || reached[id.index()].is_some();
        between[id.index()] && opens && (*id == from || graph.node(*id).inputs.iter().any(cut))
    };
    let id = graph.ids().take(reached.len()).find(ends)?;
    let (label, node) = (graph.label(id), graph.node(id));
    Some(match fixed(id) {
        true => format!("{label} ({})", node.op.name()),
        false => format!("{label} ({}), which is of kind {}", node.op.name(), node.ty.dtype),
    })
}
