//! Sums, differences, products and quotients, of data with NumPy's broadcasting, and of sizes.

use tacita_graph::{Op, functions, ops};

use super::logic::{alike, all_alike};
use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, corrupt, refuse};
use crate::value::{Sizes, Value};

pub(super) fn add(call: &mut Call<'_, '_>) -> Values {
    binary(call, i64::checked_add, |a, b| a + b, ops::Add)
}

pub(super) fn sub(call: &mut Call<'_, '_>) -> Values {
    binary(call, i64::checked_sub, |a, b| a - b, ops::Sub)
}

/// A value times itself is a product of one value with two uses.
pub(super) fn mul(call: &mut Call<'_, '_>) -> Values {
    binary(call, i64::checked_mul, |a, b| a * b, ops::Mul)
}

fn binary(
    call: &mut Call<'_, '_>,
    on_sizes: fn(i64, i64) -> Option<i64>,
    on_reals: fn(f64, f64) -> f64,
    op: impl Into<Op>,
) -> Values {
    if let Some(known) = known(call, on_sizes, on_reals)? {
        return Ok(vec![known]);
    }
    let operands = alike(call, 0)?;
    one(call.add(op, &operands)?)
}

pub(super) fn max(call: &mut Call<'_, '_>) -> Values {
    several(call, i64::max, ops::Maximum)
}

pub(super) fn min(call: &mut Call<'_, '_>) -> Values {
    several(call, i64::min, ops::Minimum)
}

pub(super) fn sum(call: &mut Call<'_, '_>) -> Values {
    several(call, i64::saturating_add, ops::Add)
}

/// Of any number of inputs, one after another.
fn several(call: &mut Call<'_, '_>, on_sizes: fn(i64, i64) -> i64, op: impl Into<Op>) -> Values {
    let count = call.inputs();
    if (0..count).all(|index| call.value(index).is_ok_and(|value| value.is_integers())) && count > 0 {
        let mut result = call.sizes(0)?;
        for index in 1..count {
            result = result.zip(&call.sizes(index)?, |a, b| Some(on_sizes(a, b)))?;
        }
        return Ok(vec![Value::Sizes(result)]);
    }
    let op = op.into();
    let operands = all_alike(call, 0..count)?;
    let Some((&first, others)) = operands.split_first() else { return corrupt("it has no inputs") };
    let mut result = first;
    for &operand in others {
        result = call.add(op.clone(), &[result, operand])?;
    }
    one(result)
}

/// Of several inputs, element by element.
pub(super) fn mean(call: &mut Call<'_, '_>) -> Values {
    let sum = match sum(call)?[..] {
        [Value::Node(sum)] => sum,
        _ => return refuse("a mean of integers"),
    };
    let part = call.number(1.0 / call.inputs() as f64)?;
    one(call.add(ops::Mul, &[sum, part])?)
}

/// By a value that somebody knows it becomes a product by the reciprocal, which its owner computes.
pub(super) fn div(call: &mut Call<'_, '_>) -> Values {
    if let Some(known) = known(call, i64::checked_div, |a, b| a / b)? {
        return Ok(vec![known]);
    }
    let divisor = call.value(1)?;
    let [a, b] = alike(call, 0)?;
    if !divisor.is_integers() && call.scope.has_zero(&divisor)? {
        return refuse("its divisor has a zero");
    }
    one(call.add(ops::Div, &[a, b])?)
}

/// By an exponent that is one number, which becomes public; or by a tensor of exponents, of bases above 0.
pub(super) fn pow(call: &mut Call<'_, '_>) -> Values {
    let exponent = call.value(1)?;
    let x = call.operand(0)?;
    let known = match &exponent {
        _ if exponent.is_integers() => match call.sizes(1)?.list[..] {
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
    let x = call.value(0)?;
    if x.is_integers() {
        let zero = Sizes { list: vec![0], is_scalar: true };
        let negative = zero.zip(&call.sizes(0)?, i64::checked_sub)?;
        return Ok(vec![Value::Sizes(negative)]);
    }
    let x = call.scope.node(&x)?;
    one(call.add(ops::Neg, &[x])?)
}

/// What is left of a division of integers, of the sign of the divisor.
pub(super) fn modulo(call: &mut Call<'_, '_>) -> Values {
    if call.flag("fmod")? || !call.value(0)?.is_integers() {
        return refuse("it is supported of shapes alone");
    }
    let floored = |a: i64, b: i64| {
        a.checked_rem(b).map(|rest| if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
    };
    let rest = call.sizes(0)?.zip(&call.sizes(1)?, floored)?;
    Ok(vec![Value::Sizes(rest)])
}

/// The result if both operands are integers, or numbers that follow from shapes.
fn known(
    call: &mut Call<'_, '_>,
    op: fn(i64, i64) -> Option<i64>,
    on_reals: fn(f64, f64) -> f64,
) -> Result<Option<Value>, Fault> {
    let [a, b] = [call.value(0)?, call.value(1)?];
    if matches!(a, Value::Reals(_)) || matches!(b, Value::Reals(_)) {
        let name = call.name();
        let (Some(a), Some(b)) = (call.scope.reals(&a, name)?, call.scope.reals(&b, name)?) else {
            return Ok(None);
        };
        return Ok(Some(Value::Reals(a.zip(&b, on_reals)?)));
    }
    if !a.is_integers() || !b.is_integers() {
        return Ok(None);
    }
    let result = call.sizes(0)?.zip(&call.sizes(1)?, op)?;
    Ok(Some(Value::Sizes(result)))
}
