//! Bounds on the distance between the fixed-point evaluation and the one in f64, element by element, for given inputs.

use std::collections::BTreeMap;
use tacita_program::NodeId;

use ndarray::ArrayD;

use super::plain::plain_all;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::Op;
use crate::ops::error_rule::Deviation;
use crate::range::fracs;
use crate::types::DType;
use crate::value::Inputs;

/// A bound on `|fixed - plain|` for each element of each reveal, for these inputs and any rounding of truncations, as
/// long as no value leaves the representable range.
///
/// A leaf is off by half a unit of 2^-precision, or exact if it is an integer number of units. A truncation is off by
/// less than one unit. Each operation's rule propagates these errors; the f64 evaluation's own rounding is not counted.
/// Where an error could change a comparison, the bound is the worst consequence: 1 for a bit, the axis' size for an
/// index.
///
/// # Errors
/// As [`plain`](crate::plain()).
pub fn error_bounds(
    graph: &Graph,
    inputs: &Inputs,
    precision: u32,
) -> Result<BTreeMap<NodeId, ArrayD<f64>>, GraphError> {
    let values = plain_all(graph, inputs)?;
    let unit_of = |frac: u32| 2f64.powi(-(frac as i32));
    let fracs = fracs(graph, precision);
    let mut bounds: Vec<ArrayD<f64>> = Vec::with_capacity(values.len());
    for id in graph.ids() {
        let node = graph.node(id);
        let result = &values[id.index()];
        let frac = fracs[id.index()];
        let lowered = !node.ty.visibility.is_clear() && !matches!(node.op, Op::Input(_));
        let bound = if lowered {
            let operation = node.op.operation();
            // operations that keep no more fractional bits than the session's truncate their inputs to these
            let keeps = operation.keeps_frac();
            let session = unit_of(precision);
            let unit = if keeps && node.ty.dtype == DType::Fixed { unit_of(frac) } else { session };
            let entering = |input: &NodeId| {
                let more = !keeps && fracs[input.index()] > precision;
                &bounds[input.index()] + if more { session } else { 0.0 }
            };
            let entering: Vec<ArrayD<f64>> = node.inputs.iter().map(entering).collect();
            let errors: Vec<&ArrayD<f64>> = entering.iter().collect();
            let values: Vec<&ArrayD<f64>> = node.inputs.iter().map(|input| &values[input.index()]).collect();
            let whole = node.inputs.iter().all(|input| graph.node(*input).ty.dtype != DType::Fixed);
            if whole
                && node.op.draw().is_none()
                && errors.iter().all(|errors| errors.iter().all(|&error| error == 0.0))
            {
                // results computed from integers and bits alone are exact
                ArrayD::zeros(result.raw_dim())
            } else {
                operation.error(&Deviation { values: &values, errors: &errors, result, unit })
            }
        } else {
            // a multiple of a unit is encoded, and truncated to units, without error
            let unit = unit_of(frac);
            let is_exact = |x: f64| node.ty.dtype != DType::Fixed || (x / unit).fract() == 0.0;
            result.mapv(|x| if is_exact(x) { 0.0 } else { unit / 2.0 })
        };
        bounds.push(bound);
    }
    let reveals = graph.reveals();
    Ok(reveals.into_iter().map(|id| (id, bounds[id.index()].clone())).collect())
}
