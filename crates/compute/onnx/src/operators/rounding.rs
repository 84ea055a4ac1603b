//! Absolute values, signs and integers.

use tacita_graph::{Op, ops};

use super::activation::unary_of_shapes;
use super::{Values, one};
use crate::call::Call;

pub(super) fn abs(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Abs)
}

pub(super) fn sign(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Sign)
}

pub(super) fn floor(call: &mut Call<'_, '_>) -> Values {
    unary_of_shapes(call, f64::floor, ops::Floor)
}

pub(super) fn ceil(call: &mut Call<'_, '_>) -> Values {
    unary_of_shapes(call, f64::ceil, ops::Ceil)
}

pub(super) fn round(call: &mut Call<'_, '_>) -> Values {
    unary(call, ops::Round)
}

fn unary(call: &mut Call<'_, '_>, op: impl Into<Op>) -> Values {
    let x = call.operand(0)?;
    one(call.add(op, &[x])?)
}
