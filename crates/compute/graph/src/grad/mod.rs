//! Gradients as a graph transform: reverse accumulation (Linnainmaa 1970) over the arena, from the loss backwards.
//!
//! Each operation's file contains its rule, [`Operation::gradient`](crate::ops). Rules use the results of the forward
//! pass and transposes of its values, so that the backward pass shares its masked values and comparisons.

mod backward;

pub(crate) use backward::Backward;

use crate::error::{GraphError, InferError};
use crate::graph::Graph;
use crate::ops::{Add, Constant, Op};
use crate::types::{DType, show};
use tacita_program::NodeId;

/// Adds nodes for the derivative of the scalar `loss` with respect to each node of `of`, in the shapes of these nodes.
///
/// Conditions (bits) and indices carry no derivative. Rounding and sign have the derivative of a constant, as in
/// PyTorch. At a kink, such as the absolute value's at 0, the derivative is that of one side.
///
/// # Errors
/// If `loss` is not one fixed-point number, an operation on the way has no derivative, or no differentiable path leads
/// from a node of `of` to the loss. A missing path is never a silent zero.
pub fn grad(graph: &mut Graph, loss: NodeId, of: &[NodeId]) -> Result<Vec<NodeId>, GraphError> {
    let ty = graph.node(loss).ty.clone();
    if ty.dtype != DType::Fixed || ty.shape.iter().any(|&dim| dim != 1) {
        return Err(GraphError::Loss { node: graph.label(loss), shape: ty.shape, dtype: ty.dtype });
    }
    let one = graph.add(Constant { shape: ty.shape, value: 1.0 }, &[], "")?;
    let (reached, _) = accumulate(graph, &[(loss, one)], of)?;
    let reached = &reached[..=loss.index()];
    let found = |&id: &NodeId| {
        let found = reached.get(id.index()).copied().flatten();
        found.ok_or_else(|| GraphError::NoPath { node: graph.label(id), end: end(graph, reached, id) })
    };
    of.iter().map(found).collect()
}

/// Adds nodes for the product of a seed with the derivative of an output, summed over outputs: the derivative of a loss of which
/// `outputs` gives the derivatives (`seed`, of the output's shape) with respect to some of its intermediate results. Of each node
/// of `of` in its shape; `None` where no path that has a derivative leads from it to an output.
///
/// # Errors
/// If an output or a seed is not fixed, a seed is of another shape than its output, or an operation on the way has no derivative.
pub fn grad_from(
    graph: &mut Graph,
    outputs: &[(NodeId, NodeId)],
    of: &[NodeId],
) -> Result<Vec<Option<NodeId>>, GraphError> {
    for &(output, seed) in outputs {
        let (ty, seed) = (&graph.node(output).ty, &graph.node(seed).ty);
        if ty.dtype != DType::Fixed || seed.dtype != DType::Fixed || ty.shape != seed.shape {
            let reason = format!(
                "the seed is {} of kind {}, the output {} of kind {}",
                show(&seed.shape),
                seed.dtype,
                show(&ty.shape),
                ty.dtype
            );
            let (node, op) = (graph.label(output), "gradient");
            return Err(GraphError::Invalid { node, op, source: InferError::Attribute(reason) });
        }
    }
    let (reached, depends) = accumulate(graph, outputs, of)?;
    let found = |id: &NodeId| {
        let index = id.index();
        reached.get(index).copied().flatten().filter(|_| depends[index])
    };
    Ok(of.iter().map(found).collect())
}

/// By node the derivative that reaches it, and whether it depends on one of `of`.
type Accumulated = (Vec<Option<NodeId>>, Vec<bool>);

/// Reverse accumulation from seeds.
fn accumulate(
    graph: &mut Graph,
    outputs: &[(NodeId, NodeId)],
    of: &[NodeId],
) -> Result<Accumulated, GraphError> {
    let count = outputs.iter().map(|(output, _)| output.index() + 1).max().unwrap_or(0);
    let count = of.iter().map(|id| id.index() + 1).fold(count, usize::max);
    let mut depends = vec![false; count];
    for id in graph.ids().take(count) {
        let node = graph.node(id);
        let passes = !matches!(node.op, Op::Detach(_));
        let from = of.contains(&id) || passes && node.inputs.iter().any(|input| depends[input.index()]);
        depends[id.index()] = node.ty.dtype == DType::Fixed && from;
    }
    let mut reached: Vec<Option<NodeId>> = vec![None; count];
    for &(output, seed) in outputs {
        reached[output.index()] = Some(match reached[output.index()] {
            Some(other) => graph.add(Add, &[other, seed], "")?,
            None => seed,
        });
    }
    for index in (0..count).rev() {
        let id = NodeId(index as u32);
        let Some(of_result) = reached[index].filter(|_| depends[index]) else { continue };
        let node = graph.node(id);
        if node.inputs.iter().any(|input| depends[input.index()]) {
            let op = node.op.clone();
            op.operation().gradient(&mut Backward::new(graph, &depends, &mut reached, id, of_result))?;
        }
    }
    Ok((reached, depends))
}

/// The first operation without a derivative on the way from a node to the loss, or the last reachable one; `None` if
/// there is no way.
fn end(graph: &Graph, reached: &[Option<NodeId>], from: NodeId) -> Option<String> {
    let fixed = |id: NodeId| graph.node(id).ty.dtype == DType::Fixed;
    let mut after = vec![false; reached.len()];
    for id in graph.ids().take(reached.len()) {
        after[id.index()] = id == from || graph.node(id).inputs.iter().any(|input| after[input.index()]);
    }
    // the nodes that depend on the node and on which the loss depends
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
        let ends = opens && (*id == from || graph.node(*id).inputs.iter().any(cut));
        between[id.index()] && (ends || matches!(graph.node(*id).op, Op::Detach(_)))
    };
    let id = graph.ids().take(reached.len()).find(ends)?;
    let (label, node) = (graph.label(id), graph.node(id));
    Some(match fixed(id) {
        true => format!("{label} ({})", node.op.name()),
        false => format!("{label} ({}), which is of kind {}", node.op.name(), node.ty.dtype),
    })
}
