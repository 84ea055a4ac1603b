//! Sums, differences, products and quotients, of data with NumPy's broadcasting, and of sizes.

use tacita_graph::{Op, Visibility, ops};

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

/// By a value that somebody knows, as a product by its reciprocal, which its owner computes.
pub(super) fn div(call: &mut Call<'_, '_>) -> Values {
    if let Some(sizes) = sizes(call, i64::checked_div)? {
        return Ok(vec![sizes]);
    }
    let divisor = call.value(1)?;
    let (a, b) = (call.operand(0)?, call.operand(1)?);
    if call.visibility(b) == Visibility::Secret {
        return refuse("division by a value computed from both the input and weights is not supported yet");
    }
    if call.scope.has_zero(&divisor)? {
        return refuse("its divisor has a zero");
    }
    let reciprocal = call.add(ops::Reciprocal, &[b])?;
    one(call.add(ops::Mul, &[a, reciprocal])?)
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
