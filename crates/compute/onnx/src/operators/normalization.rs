//! Normalisations by statistics of the data itself.

use tacita_graph::functions::{self, Norm};
use tacita_graph::{NodeId, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, refuse};
use crate::value::{self, Value, axis};

/// Over all axes from one on, times a scale and plus a bias; and the mean and the reciprocal root of the variance.
pub(super) fn layer_normalization(call: &mut Call<'_, '_>) -> Values {
    let (x, axes) = rows(call)?;
    let (scale, bias) = (call.operand(1)?, call.optional_operand(2)?);
    let epsilon = call.float_or("epsilon", 1e-5)?;
    let normal =
        call.apply(|graph, name| functions::layer_norm(graph, x, &axes, Some(scale), bias, epsilon, name))?;
    let mut values = vec![Value::Node(normal)];
    if call.has_output(1) || call.has_output(2) {
        let unsigned = axes.iter().map(|&axis| axis as usize).collect();
        values.push(Value::Node(call.add(ops::Mean { axes: unsigned, keepdims: true }, &[x])?));
        let variance = call.apply(|graph, name| functions::var(graph, x, &axes, 0, true, name))?;
        let epsilon = call.number(epsilon)?;
        let shifted = call.add(ops::Add, &[variance, epsilon])?;
        values.push(Value::Node(call.add(ops::Rsqrt, &[shifted])?));
    }
    Ok(values)
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
    Ok((x, (first..rank).map(|axis| axis as isize).collect()))
}

/// Scale and bias are by group up to version 20, by channel since.
pub(super) fn group_normalization(call: &mut Call<'_, '_>) -> Values {
    let _ = call.int("stash_type")?;
    let x = call.operand(0)?;
    let mut parameters = [call.operand(1)?, call.operand(2)?];
    let (groups, epsilon) = (call.count("num_groups", 0)?, call.float_or("epsilon", 1e-5)?);
    if let (..21, Some(&channels)) = (call.opset(), call.shape(x).get(1))
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

/// x / (bias + α mean of x²)^β, the mean over `size` channels around each; channels that there are not count as 0.
pub(super) fn local_response_normalization(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let shape = call.shape(x);
    let size = call.count("size", 0)?;
    let (alpha, beta) = (call.float_or("alpha", 1e-4)?, call.float_or("beta", 0.75)?);
    let bias = call.float_or("bias", 1.0)?;
    if size == 0 || alpha.is_nan() || alpha < 0.0 {
        return refuse(format!("a size of {size} and an alpha of {alpha}"));
    }
    let [_, _, spatial @ ..] = &shape[..] else {
        return refuse("its input has no axis of channels");
    };
    let mut pixels = 1usize;
    for size in spatial {
        pixels = pixels.saturating_mul(*size);
    }
    // The root of α goes to x before the square, as α itself may be a few units of fixed point alone.
    let root = call.number(alpha.sqrt())?;
    let small = call.add(ops::Mul, &[x, root])?;
    let squares = call.add(ops::Mul, &[small, small])?;
    let image = vec![shape[0], 1, shape[1], pixels];
    let image = call.add(ops::Reshape { shape: image }, &[squares])?;
    let window = ops::AveragePool {
        kernel: vec![size, 1],
        stride: vec![1, 1],
        pads_begin: vec![(size - 1) / 2, 0],
        pads_end: vec![size / 2, 0],
        ceil_mode: false,
        count_include_pad: true,
    };
    let means = call.add(window, &[image])?;
    let means = call.add(ops::Reshape { shape }, &[means])?;
    let bias = call.number(bias)?;
    let base = call.add(ops::Add, &[means, bias])?;
    let factor = call.apply(|graph, name| functions::pow(graph, base, -beta, name))?;
    one(call.add(ops::Mul, &[x, factor])?)
}

/// What keeps roots and quotients away from 0 where ONNX has nothing, or next to nothing.
const TINY: f64 = 1e-9;

/// Vectors along an axis at length 1.
pub(super) fn lp_normalization(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let axis = axis(call.int("axis")?.unwrap_or(-1), call.shape(x).len())?;
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
    one(call.add(ops::Normalize { axes, epsilon: TINY, centre: true }, &[x])?)
}
