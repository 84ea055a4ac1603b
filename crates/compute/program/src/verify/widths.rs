//! Widths: comparisons take all the bits that the range bounds of their inputs need, and truncations have an input that may
//! be in their domain.

use super::fault::Fault;
use crate::operation::RingOp;
use crate::program::{RingId, RingNode, RingProgram, Visibility};
use crate::range::{RangeBound, pair_bits, sort_bits, threshold_bits};

/// Enough bits are compared. `bounds` are those of earlier nodes.
pub(super) fn check(program: &RingProgram, node: &RingNode, bounds: &[RangeBound]) -> Result<(), Fault> {
    let bound = |i: usize| bounds[node.inputs[i].index()];
    let all = || node.inputs.iter().map(|input| bounds[input.index()]).collect::<Vec<_>>();
    let takes = |got: u32, needed: u32| {
        if needed <= got { Ok(()) } else { Err(Fault::Width { got, needed }) }
    };
    let divides = |at: usize, bits: u32| {
        let is_public = program.node(node.inputs[at]).visibility == Visibility::Public;
        if bits > 0 && !is_public && is_never_divided(bound(at)) { Err(Fault::Beyond { at }) } else { Ok(()) }
    };
    match &node.op {
        RingOp::LessThanZero { bits } => takes(*bits, bound(0).sign_bits()),
        RingOp::OneHotArgmax { bits } | RingOp::LessThanPairs { bits } => takes(*bits, pair_bits(&all())),
        RingOp::Bucketize { thresholds, bits } => takes(*bits, threshold_bits(bound(0), thresholds)),
        RingOp::Sort { shift, bits } => {
            let keys = keys(program, node).ok_or(Fault::SortIndices)?;
            takes(*bits, sort_bits(bounds[keys.index()], *shift, node.shape[1]))
        }
        RingOp::Truncate { bits } | RingOp::RoundedUp { bits } => divides(0, *bits),
        RingOp::Select { truncate } => {
            truncate.iter().enumerate().try_for_each(|(i, &bits)| divides(i + 1, bits))
        }
        RingOp::SelectLargest { truncate } => (1..node.inputs.len()).try_for_each(|i| divides(i, *truncate)),
        RingOp::SelectScale { truncate, .. } => divides(2, *truncate),
        // of any value: whether its lowest bits are 0
        RingOp::EqualZero { .. } => Ok(()),
        RingOp::Input { .. }
        | RingOp::Constant { .. }
        | RingOp::ConstantTensor { .. }
        | RingOp::Add
        | RingOp::Sub
        | RingOp::Neg
        | RingOp::Scale { .. }
        | RingOp::Broadcast
        | RingOp::Reshape
        | RingOp::Transpose { .. }
        | RingOp::Slice { .. }
        | RingOp::Gather { .. }
        | RingOp::Pad { .. }
        | RingOp::Concat { .. }
        | RingOp::Sum { .. }
        | RingOp::SumPool { .. }
        | RingOp::Mul
        | RingOp::MatMul
        | RingOp::Conv { .. }
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::AndBits
        | RingOp::OneHot { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. }
        | RingOp::Random { .. } => Ok(()),
    }
}

/// Whether no value within a bound is below 2^62 in magnitude.
fn is_never_divided(bound: RangeBound) -> bool {
    let limit = 1i64 << 62;
    bound.low >= limit || bound.high <= -limit
}

/// The keys of a sort, if its second column numbers the rows: its input is a `Concat` of one column of keys, one of public
/// numbers, and further columns.
fn keys(program: &RingProgram, sort: &RingNode) -> Option<RingId> {
    let table = program.node(sort.inputs[0]);
    let RingOp::Concat { axis: 2 } = table.op else { return None };
    let &[keys, indices, ..] = &table.inputs[..] else { return None };
    let is_column = |id: RingId| program.node(id).shape.last() == Some(&1);
    let n = table.shape[1];
    let mut numbers = program.node(indices);
    if let RingOp::Broadcast = numbers.op {
        numbers = program.node(numbers.inputs[0]);
    }
    let RingOp::ConstantTensor { values } = &numbers.op else { return None };
    let along_rows = numbers.shape.get(numbers.shape.len().checked_sub(2)?) == Some(&n);
    let numbers_rows = |row: &[i64]| {
        let mut seen = vec![false; n];
        row.iter().all(|&value| {
            let seen = usize::try_from(value).ok().and_then(|value| seen.get_mut(value));
            seen.is_some_and(|seen| !std::mem::replace(seen, true))
        })
    };
    let fits = is_column(keys) && is_column(indices) && along_rows && n > 0;
    (fits && values.chunks(n).all(numbers_rows)).then_some(keys)
}
