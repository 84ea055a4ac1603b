//! Evaluates the graph in f64, ignoring visibility.

use std::collections::BTreeMap;
use tacita_program::{NodeId, Visibility};

use ndarray::ArrayD;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Input, Op};
use crate::types::DType;
use crate::value::{EXACT, Inputs, Value};

/// The revealed and the kept values of a graph, by node. Bits are 0 and 1; integers from 2^53 on are rounded to the
/// nearest f64.
///
/// # Errors
/// If a needed input is missing, has another shape or leaves its declared range.
pub fn plain(graph: &Graph, inputs: &Inputs) -> Result<BTreeMap<NodeId, ArrayD<f64>>, GraphError> {
    let mut wanted = vec![false; graph.nodes().len()];
    graph.ids().for_each(|id| wanted[id.index()] = graph.node(id).op.is_end());
    evaluate(graph, inputs, &wanted)
}

/// Every node's value, whether a reveal needs it or not.
///
/// # Errors
/// As [`plain`].
pub fn plain_all(graph: &Graph, inputs: &Inputs) -> Result<Vec<ArrayD<f64>>, GraphError> {
    let wanted = vec![true; graph.nodes().len()];
    Ok(evaluate(graph, inputs, &wanted)?.into_values().collect())
}

/// The values of the wanted nodes.
fn evaluate(
    graph: &Graph,
    inputs: &Inputs,
    wanted: &[bool],
) -> Result<BTreeMap<NodeId, ArrayD<f64>>, GraphError> {
    let mut values = BTreeMap::new();
    evaluate_each(graph, inputs, wanted, Integers::Rounded, |id, value| {
        values.insert(id, value.clone());
        Ok(())
    })?;
    Ok(values)
}

/// The treatment of integers that f64 cannot represent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Integers {
    /// Rounded to the nearest.
    Rounded,
    /// Refused, both as inputs and as results.
    Exact,
}

/// Passes the values of the wanted nodes to `take`. Computes only their dependencies and frees each value after its
/// last use.
pub(crate) fn evaluate_each(
    graph: &Graph,
    inputs: &Inputs,
    wanted: &[bool],
    integers: Integers,
    mut take: impl FnMut(NodeId, &ArrayD<f64>) -> Result<(), GraphError>,
) -> Result<(), GraphError> {
    let mut left = uses(graph, wanted);
    let mut values: Vec<Option<ArrayD<f64>>> = vec![None; left.len()];
    let needed: Vec<NodeId> = graph.ids().filter(|id| left[id.index()] > 0).collect();
    for id in needed {
        let node = graph.node(id);
        let value = match &node.op {
            Op::Input(input) => data(graph, id, input, inputs)?.to_f64(),
            op => {
                let arguments: Vec<&ArrayD<f64>> =
                    node.inputs.iter().filter_map(|input| values[input.index()].as_ref()).collect();
                match node.ty.visibility {
                    Visibility::Public => op.operation().plain_reproducible(&arguments),
                    _ => op.operation().plain(&arguments),
                }
            }
        };
        if integers == Integers::Exact
            && node.ty.dtype == DType::Int
            && let Some(index) = value.iter().position(|x| x.abs() >= EXACT as f64)
        {
            return Err(GraphError::InexactInteger { node: graph.label(id), op: node.op.name(), index });
        }
        values[id.index()] = Some(value);
        let mut release = |id: NodeId| {
            left[id.index()] -= 1;
            if left[id.index()] == 0 {
                values[id.index()] = None;
            }
        };
        node.inputs.iter().for_each(|&input| release(input));
        if wanted[id.index()] {
            if let Some(value) = &values[id.index()] {
                take(id, value)?;
            }
            left[id.index()] -= 1;
            if left[id.index()] == 0 {
                values[id.index()] = None;
            }
        }
    }
    Ok(())
}

/// The number of uses of each node's value: by needed nodes, plus one if it is wanted itself.
fn uses(graph: &Graph, wanted: &[bool]) -> Vec<usize> {
    let mut uses: Vec<usize> = wanted.iter().map(|&wanted| usize::from(wanted)).collect();
    for (index, node) in graph.nodes().iter().enumerate().rev() {
        if uses[index] > 0 {
            node.inputs.iter().for_each(|input| uses[input.index()] += 1);
        }
    }
    uses
}

/// The data of an input, in the graph's type.
pub(crate) fn data<'a>(
    graph: &Graph,
    id: NodeId,
    input: &Input,
    inputs: &'a Inputs,
) -> Result<&'a Value, GraphError> {
    let node = graph.node(id);
    let name = || node.name.clone();
    let data = inputs.get(&node.name).ok_or_else(|| GraphError::MissingInput { name: name() })?;
    let expected = node.ty.shape.clone();
    if data.shape() != expected {
        return Err(GraphError::InputShape { name: name(), expected, got: data.shape().to_vec() });
    }
    if let Some(range) = input.range
        && let Some((index, value)) = data.position(|x, exact| range.holds(x, exact))
    {
        let (min, max) = (range.min, range.max);
        return Err(GraphError::InputRange { name: name(), index, value, min, max });
    }
    let fits = |x: f64| match input.dtype {
        DType::Fixed => true,
        DType::Int => x.fract() == 0.0,
        DType::Bit => x == 0.0 || x == 1.0,
    };
    if let Some((index, value)) = data.position(|x, _| fits(x)) {
        return Err(GraphError::InputDType { name: name(), index, value, dtype: input.dtype });
    }
    Ok(data)
}
