//! Sums, differences, products and quotients, of data with NumPy's broadcasting, and of sizes.

use tacita_graph::{Op, functions, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, refuse};
use crate::value::{Size, Value};

pub(super) fn add(call: &mut Call<'_, '_>) -> Values {
    binary(call, i64::checked_add, ops::Add)
}

pub(super) fn sub(call: &mut Call<'_, '_>) -> Values {
    binary(call, i64::checked_sub, ops::Sub)
}

/// A value times itself is a product of one value with two uses.
pub(super) fn mul(call: &mut Call<'_, '_>) -> Values {
    binary(call, i64::checked_mul, ops::Mul)
}

fn binary(call: &mut Call<'_, '_>, on_sizes: fn(i64, i64) -> Option<i64>, op: impl Into<Op>) -> Values {
    if let Some(sizes) = sizes(call, on_sizes)? {
        return Ok(vec![sizes]);
    }
    let operands = [call.operand(0)?, call.operand(1)?];
    one(call.add(op, &operands)?)
}

/// By a value that somebody knows it becomes a product by the reciprocal, which its owner computes.
pub(super) fn div(call: &mut Call<'_, '_>) -> Values {
    if let Some(sizes) = sizes(call, i64::checked_div)? {
        return Ok(vec![sizes]);
    }
    let divisor = call.value(1)?;
    let (a, b) = (call.operand(0)?, call.operand(1)?);
    if call.scope.has_zero(&divisor)? {
        return refuse("its divisor has a zero");
    }
    one(call.add(ops::Div, &[a, b])?)
}

/// By an exponent that is one number, which becomes public; or by a tensor of exponents, of bases above 0.
pub(super) fn pow(call: &mut Call<'_, '_>) -> Values {
    let exponent = call.value(1)?;
    let x = call.operand(0)?;
    let known = match &exponent {
        _ if exponent.is_integers() => match call.sizes(1)?.ints()?[..] {
            [exponent] => Some(exponent as f64),
            _ => return refuse("several exponents that are integers"),
        },
        Value::Tensor(_, tensor)
            if tensor.dims.iter().all(|&size| size == 1) && tensor.dims.len() <= call.shape(x).len() =>
        {
            call.optional_number(1)?
        }
        _ => None,
    };
    match known {
        Some(exponent) => one(call.apply(|graph, name| functions::pow(graph, x, exponent, name))?),
        None => {
            let exponents = call.operand(1)?;
            one(call.apply(|graph, name| functions::pow_tensor(graph, x, exponents, name))?)
        }
    }
}

pub(super) fn neg(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    one(call.add(ops::Neg, &[x])?)
}

/// The result if both operands are integers.
fn sizes(call: &mut Call<'_, '_>, op: fn(i64, i64) -> Option<i64>) -> Result<Option<Value>, Fault> {
    if !call.value(0)?.is_integers() || !call.value(1)?.is_integers() {
        return Ok(None);
    }
    let result = call.sizes(0)?.zip(&call.sizes(1)?, |a, b| match (a, b) {
        (Size::Int(a), Size::Int(b)) => op(a, b).map(Size::Int),
        _ => None,
    })?;
    Ok(Some(Value::Sizes(result)))
}
