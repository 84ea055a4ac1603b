//! Normalisations by statistics of the data itself.

use tacita_graph::functions::{self, Norm};
use tacita_graph::{Dim, NodeId, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, refuse};
use crate::value::{self, axis};

/// Over all axes from one on, times a scale and plus a bias.
pub(super) fn layer_normalization(call: &mut Call<'_, '_>) -> Values {
    let (x, axes) = rows(call)?;
    let (scale, bias) = (call.operand(1)?, call.optional_operand(2)?);
    let epsilon = call.float_or("epsilon", 1e-5)?;
    one(call.apply(|graph, name| functions::layer_norm(graph, x, &axes, Some(scale), bias, epsilon, name))?)
}

/// The same without a mean and a bias.
pub(super) fn rms_normalization(call: &mut Call<'_, '_>) -> Values {
    let (x, axes) = rows(call)?;
    let (scale, epsilon) = (call.operand(1)?, call.float_or("epsilon", 1e-5)?);
    one(call.apply(|graph, name| functions::rms_norm(graph, x, &axes, Some(scale), epsilon, name))?)
}

/// The input, and its axes from the attribute's on.
fn rows(call: &mut Call<'_, '_>) -> Result<(NodeId, Vec<isize>), Fault> {
    // In which precision other programs compute the statistics.
    let _ = call.int("stash_type")?;
    let x = call.operand(0)?;
    let rank = call.shape(x).len();
    let first = axis(call.int("axis")?.unwrap_or(-1), rank)?;
    require_no_batch(call, x, &(first..rank).collect::<Vec<_>>())?;
    Ok((x, (first..rank).map(|axis| axis as isize).collect()))
}

/// Scale and bias are by group up to version 20, by channel since.
pub(super) fn group_normalization(call: &mut Call<'_, '_>) -> Values {
    let _ = call.int("stash_type")?;
    let x = call.operand(0)?;
    let mut parameters = [call.operand(1)?, call.operand(2)?];
    let (groups, epsilon) = (call.count("num_groups", 0)?, call.float_or("epsilon", 1e-5)?);
    if let (..21, Some(&Dim::Known(channels))) = (call.opset(), call.shape(x).get(1))
        && groups > 0
    {
        for parameter in &mut parameters {
            let by_group = *parameter;
            *parameter =
                call.apply(|graph, name| functions::repeat(graph, by_group, channels / groups, 0, name))?;
        }
    }
    let [scale, bias] = parameters.map(Some);
    one(call.apply(|graph, name| functions::group_norm(graph, x, groups, scale, bias, epsilon, name))?)
}

/// Each channel of each sample by itself.
pub(super) fn instance_normalization(call: &mut Call<'_, '_>) -> Values {
    let (x, scale, bias) = (call.operand(0)?, call.operand(1)?, call.operand(2)?);
    let epsilon = call.float_or("epsilon", 1e-5)?;
    one(call.apply(|graph, name| functions::instance_norm(graph, x, Some(scale), Some(bias), epsilon, name))?)
}

/// What keeps roots and quotients away from 0 where ONNX has nothing, or next to nothing.
const TINY: f64 = 1e-9;

/// Vectors along an axis at length 1.
pub(super) fn lp_normalization(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let axis = axis(call.int("axis")?.unwrap_or(-1), call.shape(x).len())?;
    require_no_batch(call, x, &[axis])?;
    let axis = axis as isize;
    match call.int("p")?.unwrap_or(2) {
        1 => {
            let sizes =
                call.apply(|graph, name| functions::norm(graph, x, Norm::One, &[axis], true, name))?;
            one(call.add(ops::Div, &[x, sizes])?)
        }
        2 => one(call.apply(|graph, name| functions::unit_vectors(graph, x, axis, TINY, name))?),
        p => refuse(format!("p is {p}; supported are 1 and 2")),
    }
}

/// Over given axes, by default all but that of channels.
pub(super) fn mean_variance_normalization(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let axes = value::axes(call.ints("axes")?.unwrap_or(&[0, 2, 3]), call.shape(x).len())?;
    require_no_batch(call, x, &axes)?;
    one(call.add(ops::Normalize { axes, epsilon: TINY, centre: true }, &[x])?)
}

/// Refuses statistics over a batch of any size: they would depend on how many samples are evaluated together.
fn require_no_batch(call: &Call<'_, '_>, x: NodeId, axes: &[usize]) -> Result<(), Fault> {
    let shape = call.shape(x);
    match axes.iter().any(|&axis| shape[axis] == Dim::Batch) {
        true => refuse("it mixes samples of the symbolic batch; export the model with a fixed batch"),
        false => Ok(()),
    }
}
