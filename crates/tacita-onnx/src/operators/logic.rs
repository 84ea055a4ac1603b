//! Comparisons, bits and choices between values.

use tacita_graph::ops::ToWhole;
use tacita_graph::{Kind, NodeId, Op, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::Fault;

pub(super) fn equal(call: &mut Call<'_, '_>) -> Values {
    compare(call, ops::Equal)
}

pub(super) fn greater(call: &mut Call<'_, '_>) -> Values {
    compare(call, ops::Greater)
}

pub(super) fn greater_or_equal(call: &mut Call<'_, '_>) -> Values {
    compare(call, ops::GreaterEqual)
}

pub(super) fn less(call: &mut Call<'_, '_>) -> Values {
    compare(call, ops::Less)
}

pub(super) fn less_or_equal(call: &mut Call<'_, '_>) -> Values {
    compare(call, ops::LessEqual)
}

fn compare(call: &mut Call<'_, '_>, op: impl Into<Op>) -> Values {
    let operands = alike(call, 0)?;
    one(call.add(op, &operands)?)
}

pub(super) fn and(call: &mut Call<'_, '_>) -> Values {
    logical(call, ops::And)
}

pub(super) fn or(call: &mut Call<'_, '_>) -> Values {
    logical(call, ops::Or)
}

pub(super) fn xor(call: &mut Call<'_, '_>) -> Values {
    logical(call, ops::Xor)
}

fn logical(call: &mut Call<'_, '_>, op: impl Into<Op>) -> Values {
    let operands = alike(call, 0)?;
    one(call.add(op, &operands)?)
}

pub(super) fn not(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    one(call.add(ops::Not, &[x])?)
}

/// `Where`: of two values the one that a bit says.
pub(super) fn choose(call: &mut Call<'_, '_>) -> Values {
    let bit = call.operand_of(0, Kind::Bit)?;
    let [a, b] = alike(call, 1)?;
    one(call.add(ops::Select, &[bit, a, b])?)
}

/// Inputs `first` and the next, of one kind: integers of the file are of the kind of the value that they meet.
pub(super) fn alike(call: &mut Call<'_, '_>, first: usize) -> Result<[NodeId; 2], Fault> {
    let of_file = [first, first + 1].map(|index| call.value(index).is_ok_and(|value| value.is_integers()));
    let [mut a, mut b] = [None, None];
    if !of_file[0] {
        a = Some(call.operand(first)?);
    }
    if !of_file[1] {
        b = Some(call.operand(first + 1)?);
    }
    let kind = a.or(b).map_or(Kind::Int, |id| call.kind(id));
    let a = a.map_or_else(|| call.operand_of(first, kind), Ok)?;
    let b = b.map_or_else(|| call.operand_of(first + 1, kind), Ok)?;
    Ok([a, b])
}

pub(super) fn cast_to(call: &mut Call<'_, '_>, x: NodeId, to: Kind) -> Values {
    if call.kind(x) == to {
        return one(x);
    }
    // as C and NumPy convert floats: towards zero
    one(call.add(ops::Cast { to, rounding: ToWhole::TowardsZero }, &[x])?)
}
