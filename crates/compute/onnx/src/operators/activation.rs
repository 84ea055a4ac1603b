//! Elementwise functions of one value.

use tacita_graph::{Op, functions, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::refuse;
use crate::value::Value;

fn unary(call: &mut Call<'_, '_>, op: impl Into<Op>) -> Values {
    let x = call.operand(0)?;
    one(call.add(op, &[x])?)
}

pub(super) fn relu(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Relu)
}

pub(super) fn sigmoid(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Sigmoid)
}

pub(super) fn tanh(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Tanh)
}

pub(super) fn erf(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Erf)
}

pub(super) fn gelu(call: &mut Call<'_, '_>) -> Values {
    let tanh = match call.text("approximate")?.unwrap_or("none") {
        "none" | "" => false,
        "tanh" => true,
        other => return refuse(format!("approximate {other:?} is unknown")),
    };
    unary(call, ops::Gelu { tanh })
}

/// x / (1 + e^(-αx)), the Silu of αx by α.
pub(super) fn swish(call: &mut Call<'_, '_>) -> Values {
    let alpha = call.float_or("alpha", 1.0)?;
    if alpha == 1.0 {
        return unary(call, ops::Silu);
    }
    if alpha == 0.0 || !alpha.is_finite() {
        return refuse(format!("an alpha of {alpha}"));
    }
    let x = call.operand(0)?;
    let factor = call.number(alpha)?;
    let scaled = call.add(ops::Mul, &[x, factor])?;
    let silu = call.add(ops::Silu, &[scaled])?;
    one(call.add(ops::Div, &[silu, factor])?)
}

pub(super) fn softplus(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Softplus)
}

pub(super) fn sin(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Sin)
}

pub(super) fn cos(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Cos)
}

pub(super) fn exp(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Exp)
}

pub(super) fn log(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Log)
}

/// sin x / cos x.
pub(super) fn tan(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let (sin, cos) = (call.add(ops::Sin, &[x])?, call.add(ops::Cos, &[x])?);
    one(call.add(ops::Div, &[sin, cos])?)
}

/// (e^x - e^-x) / 2.
pub(super) fn sinh(call: &mut Call<'_, '_>) -> Values {
    exponentials(call, ops::Sub)
}

/// (e^x + e^-x) / 2.
pub(super) fn cosh(call: &mut Call<'_, '_>) -> Values {
    exponentials(call, ops::Add)
}

fn exponentials(call: &mut Call<'_, '_>, op: impl Into<Op>) -> Values {
    let x = call.operand(0)?;
    let negative = call.add(ops::Neg, &[x])?;
    let both = [call.add(ops::Exp, &[x])?, call.add(ops::Exp, &[negative])?];
    let (both, half) = (call.add(op, &both)?, call.number(0.5)?);
    one(call.add(ops::Mul, &[both, half])?)
}

pub(super) fn sqrt(call: &mut Call<'_, '_>) -> Values {
    unary_of_shapes(call, f64::sqrt, ops::Sqrt)
}

pub(super) fn reciprocal(call: &mut Call<'_, '_>) -> Values {
    unary_of_shapes(call, f64::recip, ops::Reciprocal)
}

/// Of data, or of numbers that follow from shapes.
pub(super) fn unary_of_shapes(call: &mut Call<'_, '_>, known: fn(f64) -> f64, op: impl Into<Op>) -> Values {
    match call.value(0)? {
        Value::Reals(reals) => Ok(vec![Value::Reals(reals.map(known))]),
        _ => unary(call, op),
    }
}

pub(super) fn elu(call: &mut Call<'_, '_>) -> Values {
    let (x, alpha) = (call.operand(0)?, call.float_or("alpha", 1.0)?);
    one(call.apply(|graph, name| functions::elu(graph, x, alpha, name))?)
}

pub(super) fn selu(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let (alpha, gamma) = (call.float_or("alpha", 1.673_263_2)?, call.float_or("gamma", 1.050_701)?);
    one(call.apply(|graph, name| functions::selu(graph, x, alpha, gamma, name))?)
}

pub(super) fn celu(call: &mut Call<'_, '_>) -> Values {
    let (x, alpha) = (call.operand(0)?, call.float_or("alpha", 1.0)?);
    one(call.apply(|graph, name| functions::celu(graph, x, alpha, name))?)
}

pub(super) fn leaky_relu(call: &mut Call<'_, '_>) -> Values {
    let (x, alpha) = (call.operand(0)?, call.float_or("alpha", 0.01)?);
    one(call.apply(|graph, name| functions::leaky_relu(graph, x, alpha, name))?)
}

/// Slopes are weights, and stay their owner's.
pub(super) fn prelu(call: &mut Call<'_, '_>) -> Values {
    let (x, slope) = (call.operand(0)?, call.operand(1)?);
    let y = call.apply(|graph, name| functions::prelu(graph, x, slope, name))?;
    if call.shape(y) != call.shape(x) {
        return refuse("its slopes have more elements than its input along some axis");
    }
    one(y)
}

pub(super) fn thresholded_relu(call: &mut Call<'_, '_>) -> Values {
    let (x, alpha) = (call.operand(0)?, call.float_or("alpha", 1.0)?);
    one(call.apply(|graph, name| functions::thresholded_relu(graph, x, alpha, name))?)
}

/// x by a bias nearer to 0 outside of ±λ, 0 inside.
pub(super) fn shrink(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let (lambda, bias) = (call.float_or("lambd", 0.5)?, call.float_or("bias", 0.0)?);
    let [most, least, bias, zero] = [lambda, -lambda, bias, 0.0];
    let (most, least) = (call.number(most)?, call.number(least)?);
    let (bias, zero) = (call.number(bias)?, call.number(zero)?);
    let (above, below) = (call.add(ops::Greater, &[x, most])?, call.add(ops::Less, &[x, least])?);
    let (down, up) = (call.add(ops::Sub, &[x, bias])?, call.add(ops::Add, &[x, bias])?);
    let result = call.add(ops::Select, &[above, down, zero])?;
    one(call.add(ops::Select, &[below, up, result])?)
}

pub(super) fn hard_sigmoid(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let (alpha, beta) = (call.float_or("alpha", 0.2)?, call.float_or("beta", 0.5)?);
    one(call.apply(|graph, name| functions::hardsigmoid(graph, x, alpha, beta, name))?)
}

pub(super) fn hard_swish(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    one(call.apply(|graph, name| functions::hardswish(graph, x, name))?)
}

pub(super) fn mish(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    one(call.apply(|graph, name| functions::mish(graph, x, name))?)
}

pub(super) fn softsign(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    one(call.apply(|graph, name| functions::softsign(graph, x, name))?)
}

/// Bounds are attributes up to version 10, inputs since.
pub(super) fn clip(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let (min, max) = match call.opset() {
        ..11 => (call.float("min")?, call.float("max")?),
        _ => (call.optional_number(1)?, call.optional_number(2)?),
    };
    // The largest f32, the default of old versions, and infinity bound nothing.
    let bounds = |bound: &f64| bound.abs() < f64::from(f32::MAX);
    let (min, max) =
        (min.filter(|min| *min > 0.0 || bounds(min)), max.filter(|max| *max < 0.0 || bounds(max)));
    // Of bounds that cross the upper one wins.
    let min = min.map(|min| max.map_or(min, |max| min.min(max)));
    one(call.add(ops::Clip { min, max }, &[x])?)
}

pub(super) fn identity(call: &mut Call<'_, '_>) -> Values {
    Ok(vec![call.value(0)?])
}
