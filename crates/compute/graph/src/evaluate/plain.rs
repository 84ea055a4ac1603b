//! The graph in f64, as if there were nothing to hide.

use std::collections::BTreeMap;
use tacita_program::{NodeId, Visibility};

use ndarray::ArrayD;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Input, Op};
use crate::types::DType;

/// Data by input name. Names that a graph does not have are ignored.
pub type Inputs = BTreeMap<String, ArrayD<f64>>;

/// The reveals of a graph and what it keeps, by node. Bits are 0 and 1, indices whole numbers.
///
/// # Errors
/// If an input that is needed is missing, has another shape or leaves its declared
/// range.
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

/// The values of the nodes that are wanted, computing only what they need and freeing what is used up.
pub(crate) fn evaluate(
    graph: &Graph,
    inputs: &Inputs,
    wanted: &[bool],
) -> Result<BTreeMap<NodeId, ArrayD<f64>>, GraphError> {
    let uses = uses(graph, wanted);
    let mut left = uses.clone();
    let mut values: Vec<Option<ArrayD<f64>>> = vec![None; uses.len()];
    for id in graph.ids().filter(|id| uses[id.index()] > 0) {
        let node = graph.node(id);
        let value = match &node.op {
            Op::Input(input) => data(graph, id, input, inputs)?,
            op => {
                let arguments: Vec<&ArrayD<f64>> =
                    node.inputs.iter().filter_map(|input| values[input.index()].as_ref()).collect();
                match node.ty.visibility {
                    Visibility::Public => op.operation().plain_reproducible(&arguments),
                    _ => op.operation().plain(&arguments),
                }
            }
        };
        values[id.index()] = Some(value);
        for input in &node.inputs {
            left[input.index()] -= 1;
            if left[input.index()] == 0 {
                values[input.index()] = None;
            }
        }
    }
    let kept = graph.ids().zip(values).filter(|(id, _)| wanted[id.index()]);
    Ok(kept.filter_map(|(id, value)| Some((id, value?))).collect())
}

/// How often each node's value is needed: by needed nodes, and once more where it is wanted itself.
fn uses(graph: &Graph, wanted: &[bool]) -> Vec<usize> {
    let mut uses: Vec<usize> = wanted.iter().map(|&wanted| usize::from(wanted)).collect();
    for (index, node) in graph.nodes().iter().enumerate().rev() {
        if uses[index] > 0 {
            node.inputs.iter().for_each(|input| uses[input.index()] += 1);
        }
    }
    uses
}

fn data(graph: &Graph, id: NodeId, input: &Input, inputs: &Inputs) -> Result<ArrayD<f64>, GraphError> {
    let node = graph.node(id);
    let name = || node.name.clone();
    let data = inputs.get(&node.name).ok_or_else(|| GraphError::MissingInput { name: name() })?;
    let expected = node.ty.shape.clone();
    if data.shape() != expected {
        return Err(GraphError::InputShape { name: name(), expected, got: data.shape().to_vec() });
    }
    if let Some(range) = input.range
        && let Some((index, &value)) =
            data.iter().enumerate().find(|(_, value)| !(range.min..=range.max).contains(*value))
    {
        let (min, max) = (range.min, range.max);
        return Err(GraphError::InputRange { name: name(), index, value, min, max });
    }
    let fits = |value: f64| match input.dtype {
        DType::Fixed => true,
        DType::Int => value.fract() == 0.0,
        DType::Bit => value == 0.0 || value == 1.0,
    };
    if let Some((index, &value)) = data.iter().enumerate().find(|(_, value)| !fits(**value)) {
        return Err(GraphError::InputDType { name: name(), index, value, dtype: input.dtype });
    }
    Ok(data.as_standard_layout().into_owned())
}
