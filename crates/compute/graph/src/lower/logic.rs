//! Logic: packed bits by operations on bits, bits that are ring values by arithmetic.

use super::Lowering;
use crate::error::GraphError;
use tacita_program::{RangeBound, RingId, RingOp};

/// The most bits that are multiplied at once where there are few; of many, each product takes [`FOUR`].
const MOST: usize = 8;

/// Factors of a product of bits where there are many: the cost of larger products grows faster than rounds go.
const FOUR: usize = 4;

/// Bits of input `i` repeated to the node's shape, if they are packed.
fn packed(l: &mut Lowering<'_>, i: usize) -> Option<RingId> {
    let bits = l.bits(i)?;
    let shape = l.shape();
    Some(l.broadcast(bits, &shape))
}

/// The complement of packed bits.
pub(crate) fn not(l: &mut Lowering<'_>, bits: RingId) -> RingId {
    let shape = l.shape_of(bits).to_vec();
    l.push_bits(RingOp::NotBits, &[bits], &shape, 1)
}

/// The product of packed bits of one shape.
pub(crate) fn product(l: &mut Lowering<'_>, bits: &[RingId]) -> RingId {
    let shape = l.shape_of(bits[0]).to_vec();
    l.push_bits(RingOp::AndBits, bits, &shape, 1)
}

/// Inputs 0 and 1 multiplied, as packed bits if both are.
pub(crate) fn and(l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
    let shape = l.shape();
    match (packed(l, 0), packed(l, 1)) {
        (Some(a), Some(b)) if a == b => Ok(a),
        (Some(a), Some(b)) => Ok(product(l, &[a, b])),
        (None, None) => {
            let (a, b) = (l.ring(0, 0)?, l.ring(1, 0)?);
            Ok(l.push(RingOp::Mul, &[a, b], &shape, 0))
        }
        (Some(bits), None) => gated(l, bits, 1),
        (None, Some(bits)) => gated(l, bits, 0),
    }
}

/// Packed bits times input `i`, as a ring value.
fn gated(l: &mut Lowering<'_>, bits: RingId, i: usize) -> Result<RingId, GraphError> {
    let shape = l.shape();
    let x = l.ring(i, 0)?;
    let x = l.broadcast(x, &shape);
    Ok(l.push(RingOp::Select { truncate: vec![0] }, &[bits, x], &shape, 0))
}

/// Whether one of inputs 0 and 1 is 1: `1 - (1 - a)(1 - b)`, or `a + b - ab`.
pub(crate) fn or(l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
    if let (Some(a), Some(b)) = (packed(l, 0), packed(l, 1)) {
        if a == b {
            return Ok(a);
        }
        let none = [not(l, a), not(l, b)];
        let none = product(l, &none);
        return Ok(not(l, none));
    }
    less_product(l, 1)
}

/// Whether inputs 0 and 1 differ: `a + b - 2ab`, where bits are not packed.
pub(crate) fn xor(l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
    if let (Some(a), Some(b)) = (packed(l, 0), packed(l, 1)) {
        let shape = l.shape();
        return Ok(l.push_bits(RingOp::XorBits, &[a, b], &shape, 1));
    }
    less_product(l, 2)
}

/// `a + b - factor ab`.
fn less_product(l: &mut Lowering<'_>, factor: i64) -> Result<RingId, GraphError> {
    let shape = l.shape();
    let mut both = and(l)?;
    if factor != 1 {
        both = l.push(RingOp::Scale { factor }, &[both], &shape, 0);
    }
    let (a, b) = (l.ring(0, 0)?, l.ring(1, 0)?);
    let sum = l.push(RingOp::Add, &[a, b], &shape, 0);
    let result = l.push(RingOp::Sub, &[sum, both], &shape, 0);
    if [a, b].iter().all(|&bit| l.bounds(bit).and(RangeBound::BIT) == l.bounds(bit)) {
        l.within(result, RangeBound::BIT);
    }
    Ok(result)
}

/// The complement of a bit, packed or not.
pub(crate) fn complement(l: &mut Lowering<'_>, bit: RingId) -> RingId {
    let shape = l.shape_of(bit).to_vec();
    if l.is_packed(bit) {
        return not(l, bit);
    }
    let one = l.constant(1, &[], 0);
    l.push(RingOp::Sub, &[one, bit], &shape, 0)
}

/// Whether all bits of input 0 along `axes` are 1 or, with `any`, one of them is, in the node's shape.
pub(crate) fn over_axes(l: &mut Lowering<'_>, axes: &[usize], any: bool) -> Result<RingId, GraphError> {
    let shape = l.shape();
    let from = l.input_shape(0);
    let count: usize = axes.iter().map(|&axis| from[axis]).product();
    let Some(bits) = l.bits(0) else {
        let x = l.ring(0, 0)?;
        let sum = l.push(RingOp::Sum { axes: axes.to_vec(), keepdims: false }, &[x], &kept(&from, axes), 0);
        let sum = l.reshape(sum, &shape);
        let full = l.constant(if any { 0 } else { count as i64 }, &[], 0);
        let missing = l.push(RingOp::Sub, &[full, sum], &shape, 0);
        let zero = l.zero(missing);
        return Ok(if any { not(l, zero) } else { zero });
    };
    let mut bits = if any { not(l, bits) } else { bits };
    let perm: Vec<usize> =
        (0..from.len()).filter(|axis| !axes.contains(axis)).chain(axes.iter().copied()).collect();
    bits = l.transposed(bits, &perm);
    let rows = from.iter().product::<usize>() / count;
    bits = l.reshape(bits, &[rows, count]);
    let mut left = count;
    while left > 1 {
        let size = if left <= MOST { left } else { FOUR };
        let groups = left.div_ceil(size);
        // the last part reaches back over the one before where they do not divide: a product may have a bit twice
        let parts: Vec<RingId> = (0..size)
            .map(|part| {
                let start = (part * groups).min(left - groups);
                let (starts, ends, steps) = (vec![0, start], vec![rows, start + groups], vec![1, 1]);
                l.moved(RingOp::Slice { starts, ends, steps }, bits, &[rows, groups])
            })
            .collect();
        bits = product(l, &parts);
        left = groups;
    }
    let bits = l.reshape(bits, &shape);
    Ok(if any { not(l, bits) } else { bits })
}

/// A range of the last axis.
pub(crate) fn part(
    l: &mut Lowering<'_>,
    x: RingId,
    range: std::ops::Range<usize>,
    shape: &[usize],
) -> RingId {
    let (mut starts, mut ends) = (vec![0; shape.len()], shape.to_vec());
    starts[shape.len() - 1] = range.start;
    ends[shape.len() - 1] = range.end;
    l.moved(RingOp::Slice { starts, ends, steps: vec![1; shape.len()] }, x, shape)
}

/// A shape without some axes.
fn kept(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    (0..shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]).collect()
}
