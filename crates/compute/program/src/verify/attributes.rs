//! Attributes: axes and indices exist, numbers of bits are within the operation's limits.

use super::fault::Fault;
use crate::operation::{RingOp, Threshold, WHOLE_SIGN, WHOLE_ZERO};
use crate::program::{RingNode, RingType};

/// The most bits that a truncation takes: its input is below 2^62.
const MOST_TRUNCATED: u32 = 62;

/// The most low bits of which [`RingOp::OneHot`] gives the position.
const MOST_ONE_HOT: u32 = 32;

/// The most bits by which [`RingOp::Sort`] numbers rows.
const MOST_SHIFT: u32 = 61;

/// The most fractional bits of a Fourier sum's cosines.
const MOST_COSINE_BITS: u32 = 40;

/// The most fractional bits of an exponential's input, of which f64 holds all bits within the window.
const MOST_EXPONENTIAL_FRAC: u32 = 48;

/// The most fractional bits of an exponential, which is below e.
const MOST_EXPONENTIAL_BITS: u32 = 60;

/// The attributes fit the inputs.
pub(super) fn check(node: &RingNode, inputs: &[&RingNode]) -> Result<(), Fault> {
    let rank = |i: usize| inputs[i].shape.len();
    match &node.op {
        RingOp::ConstantTensor { values } => {
            let expected = node.shape.iter().product();
            if values.len() == expected { Ok(()) } else { Err(Fault::Values { got: values.len(), expected }) }
        }
        RingOp::Transpose { perm } => {
            let mut seen = vec![false; rank(0)];
            perm.iter().for_each(|&axis| {
                if let Some(seen) = seen.get_mut(axis) {
                    *seen = true;
                }
            });
            axes(perm.len() == rank(0) && seen.into_iter().all(|seen| seen))
        }
        RingOp::Slice { starts, ends, steps } => {
            let shape = &inputs[0].shape;
            let of_all = [starts, ends, steps].iter().all(|list| list.len() == shape.len());
            let within = |i: usize| starts[i] <= ends[i] && ends[i] <= shape[i] && steps[i] > 0;
            if of_all && (0..shape.len()).all(within) { Ok(()) } else { Err(Fault::Slice) }
        }
        RingOp::Gather { axis, indices } => {
            axes(*axis < rank(0))?;
            let size = inputs[0].shape[*axis];
            match indices.iter().find(|&&index| index != u32::MAX && index as usize >= size) {
                Some(&index) => Err(Fault::Index { index, size }),
                None => Ok(()),
            }
        }
        RingOp::Pad { before, after, .. } => axes(before.len() == rank(0) && after.len() == rank(0)),
        RingOp::Concat { axis } => axes(*axis < rank(0)),
        RingOp::Sum { axes: summed, .. } => {
            axes(summed.is_sorted_by(|a, b| a < b) && summed.iter().all(|&axis| axis < rank(0)))
        }
        RingOp::Truncate { bits: got } | RingOp::RoundedUp { bits: got } => bits(*got, 1, MOST_TRUNCATED),
        RingOp::LessThanZero { bits: got }
        | RingOp::OneHotArgmax { bits: got }
        | RingOp::LessThanPairs { bits: got } => bits(*got, 1, WHOLE_SIGN),
        RingOp::EqualZero { bits: got } => bits(*got, 1, WHOLE_ZERO),
        RingOp::OneHot { bits: got } => bits(*got, 1, MOST_ONE_HOT),
        RingOp::Sort { shift, bits: got } => {
            bits(*got, 1, WHOLE_SIGN)?;
            bits(*shift, 1, MOST_SHIFT)?;
            match inputs[0].shape.get(1) {
                Some(&rows) if rows as u128 > 1 << shift => Err(Fault::SortRows { rows, shift: *shift }),
                Some(_) | None => Ok(()),
            }
        }
        RingOp::Select { truncate } => {
            one_each(truncate.len(), inputs.len() - 1)?;
            one_each(planes(inputs[0]), inputs.len() - 1)?;
            truncate.iter().try_for_each(|&got| bits(got, 0, MOST_TRUNCATED))
        }
        RingOp::SelectLargest { truncate } => bits(*truncate, 0, MOST_TRUNCATED),
        RingOp::SelectScale { factors, truncate } => {
            one_each(factors.len(), planes(inputs[0]))?;
            bits(*truncate, 0, MOST_TRUNCATED)
        }
        RingOp::Bucketize { thresholds, bits: got } => {
            bits(*got, 1, WHOLE_SIGN)?;
            if are_apart(thresholds, *got) { Ok(()) } else { Err(Fault::Thresholds) }
        }
        RingOp::FourierSum { sum } => {
            let fits = (1..=2).contains(&sum.step) && sum.cosine_bits <= MOST_COSINE_BITS;
            if fits { Ok(()) } else { Err(Fault::Sum) }
        }
        RingOp::Exponential { spec } => {
            let fits = spec.frac == inputs[0].ty.frac()
                && spec.frac <= MOST_EXPONENTIAL_FRAC
                && (3..=4).contains(&spec.window)
                && spec
                    .small_bits
                    .checked_add(spec.large_bits)
                    .is_some_and(|bits| bits <= MOST_EXPONENTIAL_BITS);
            if fits { Ok(()) } else { Err(Fault::Window) }
        }
        RingOp::BitToArithmetic { plane } => match planes(inputs[0]) {
            planes if *plane < planes => Ok(()),
            planes => Err(Fault::Plane { plane: *plane, planes }),
        },
        // windows and groups are checked with the shapes, receivers with the visibility
        RingOp::Input { .. }
        | RingOp::Constant { .. }
        | RingOp::Add
        | RingOp::Sub
        | RingOp::Neg
        | RingOp::Scale { .. }
        | RingOp::Broadcast
        | RingOp::Reshape
        | RingOp::SumPool { .. }
        | RingOp::Mul
        | RingOp::MatMul
        | RingOp::Conv { .. }
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::AndBits
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::Random { .. } => Ok(()),
    }
}

fn planes(node: &RingNode) -> usize {
    match node.ty {
        RingType::Bits { planes } => planes,
        RingType::Ring { .. } => 0,
    }
}

fn axes(fit: bool) -> Result<(), Fault> {
    if fit { Ok(()) } else { Err(Fault::Axes) }
}

fn bits(got: u32, least: u32, most: u32) -> Result<(), Fault> {
    if (least..=most).contains(&got) { Ok(()) } else { Err(Fault::Bits { got, least, most }) }
}

fn one_each(got: usize, expected: usize) -> Result<(), Fault> {
    if got == expected { Ok(()) } else { Err(Fault::Attributes { got, expected }) }
}

/// No value may count as below one threshold and as not below the next, and the bits left out are the operation's.
fn are_apart(thresholds: &[Threshold], bits: u32) -> bool {
    let reach = |threshold: &Threshold| if threshold.dropped == 0 { 0 } else { 1i128 << threshold.dropped };
    let fits = |threshold: &Threshold| threshold.dropped.is_multiple_of(4) && threshold.dropped < bits;
    let apart = |pair: &[Threshold]| {
        i128::from(pair[1].at) - i128::from(pair[0].at) >= (reach(&pair[0]) + reach(&pair[1])).max(1)
    };
    !thresholds.is_empty() && thresholds.iter().all(fits) && thresholds.windows(2).all(apart)
}
