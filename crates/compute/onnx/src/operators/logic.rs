//! Comparisons, bits and choices between values.

use std::ops::Range;

use tacita_graph::ops::ToWhole;
use tacita_graph::{DType, NodeId, Op, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::Fault;
use crate::value::{Sizes, Value};

pub(super) fn equal(call: &mut Call<'_, '_>) -> Values {
    binary(call, |a, b| a == b, ops::Equal)
}

pub(super) fn greater(call: &mut Call<'_, '_>) -> Values {
    binary(call, |a, b| a > b, ops::Greater)
}

pub(super) fn greater_or_equal(call: &mut Call<'_, '_>) -> Values {
    binary(call, |a, b| a >= b, ops::GreaterEqual)
}

pub(super) fn less(call: &mut Call<'_, '_>) -> Values {
    binary(call, |a, b| a < b, ops::Less)
}

pub(super) fn less_or_equal(call: &mut Call<'_, '_>) -> Values {
    binary(call, |a, b| a <= b, ops::LessEqual)
}

pub(super) fn and(call: &mut Call<'_, '_>) -> Values {
    binary(call, |a, b| a != 0 && b != 0, ops::And)
}

pub(super) fn or(call: &mut Call<'_, '_>) -> Values {
    binary(call, |a, b| a != 0 || b != 0, ops::Or)
}

pub(super) fn xor(call: &mut Call<'_, '_>) -> Values {
    binary(call, |a, b| (a != 0) != (b != 0), ops::Xor)
}

/// Of data, or of integers that follow from shapes: 1 where it holds.
fn binary(call: &mut Call<'_, '_>, known: fn(i64, i64) -> bool, op: impl Into<Op>) -> Values {
    if call.are_of_shapes(0..2)? {
        let bit = |a, b| Some(i64::from(known(a, b)));
        return Ok(vec![Value::Sizes(call.sizes(0)?.zip(&call.sizes(1)?, bit)?)]);
    }
    let operands = alike(call, 0)?;
    one(call.add(op, &operands)?)
}

pub(super) fn not(call: &mut Call<'_, '_>) -> Values {
    if call.are_of_shapes(0..1)? {
        let zero = Sizes { list: vec![0], is_scalar: true };
        let bit = |a, _| Some(i64::from(a == 0));
        return Ok(vec![Value::Sizes(call.sizes(0)?.zip(&zero, bit)?)]);
    }
    let x = call.operand_of(0, DType::Bit)?;
    one(call.add(ops::Not, &[x])?)
}

/// `Where`: of two values the one that a bit says.
pub(super) fn choose(call: &mut Call<'_, '_>) -> Values {
    if call.are_of_shapes(0..3)? {
        let (bits, a, b) = (call.sizes(0)?, call.sizes(1)?, call.sizes(2)?);
        return Ok(vec![Value::Sizes(bits.choose(&a, &b)?)]);
    }
    let bit = call.operand_of(0, DType::Bit)?;
    let [a, b] = alike(call, 1)?;
    one(call.add(ops::Select, &[bit, a, b])?)
}

/// Inputs `first` and the next, of one kind: integers of the file are of the kind of the value that they meet.
pub(super) fn alike(call: &mut Call<'_, '_>, first: usize) -> Result<[NodeId; 2], Fault> {
    let all = all_alike(call, first..first + 2)?;
    Ok([all[0], all[1]])
}

/// Several inputs, likewise.
pub(super) fn all_alike(call: &mut Call<'_, '_>, range: Range<usize>) -> Result<Vec<NodeId>, Fault> {
    let mut dtype = None;
    let mut operands = Vec::with_capacity(range.len());
    for index in range.clone() {
        let of_file = call.value(index)?.is_integers();
        let operand = if of_file { None } else { Some(call.operand(index)?) };
        dtype = dtype.or(operand.map(|id| call.dtype(id)));
        operands.push(operand);
    }
    let dtype = dtype.unwrap_or(DType::Int);
    let all = operands.into_iter().zip(range);
    all.map(|(operand, index)| operand.map_or_else(|| call.operand_of(index, dtype), Ok)).collect()
}

pub(super) fn cast_to(call: &mut Call<'_, '_>, x: NodeId, to: DType) -> Values {
    if call.dtype(x) == to {
        return one(x);
    }
    // as C and NumPy convert floats: towards zero
    one(call.add(ops::Cast { to, rounding: ToWhole::TowardsZero }, &[x])?)
}
