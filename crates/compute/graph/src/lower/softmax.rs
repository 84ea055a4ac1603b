//! Softmax and its relatives: e^(x - the largest), which no spread of logits makes overflow, and its sum.
//!
//! The exponentials and the reciprocal of the sum have fractional bits of their own, and so have the results where there are
//! many: each is off by a unit, and rows should sum to 1.

use super::Lowering;
use super::exponential::nonpositive;
use super::leaves::words;
use super::tournament::largest_along;
use super::wide::{Domain, Wide, wide};
use crate::error::GraphError;
use crate::types::Interval;
use tacita_program::{RingId, RingOp};

/// Beyond so many classes what is left out below -15 counts: then the square of e^(x/2) is taken, which leaves out what is
/// below -30.
const MANY: usize = 2048;

/// Fractional bits of the reciprocal of a sum.
const RECIPROCAL_BITS: u32 = 30;

/// What exponentials and the reciprocal are off by, relatively: their fits' and factors'.
pub(crate) const RELATIVE: f64 = 1.0 / 2048.0;

/// What a class may lose that is cut off: e^-15.
pub(crate) const CUT: f64 = 3.1e-7;

/// What the logarithm of a sum is off by: its fit's, its terms', and what is cut off of up to 2048 classes.
pub(crate) const LOG: f64 = 1.0 / 1024.0;

/// What a row's numbers have in common.
struct Exponentials {
    /// x at the session's precision, less the largest.
    below: RingId,
    /// The largest.
    largest: RingId,
    /// e^below.
    each: RingId,
    /// Their sum along the axis.
    sum: RingId,
    /// What is known of the sum: from 1 to the number of classes.
    domain: Domain,
}

/// The least power of two that is not below n.
fn bits_of(n: usize) -> u32 {
    n.next_power_of_two().trailing_zeros()
}

fn exponentials(l: &mut Lowering<'_>, axis: usize) -> Result<Exponentials, GraphError> {
    let precision = l.precision();
    let x = l.ring(0, precision)?;
    let shape = l.shape_of(x).to_vec();
    let n = shape[axis];
    let largest = largest_along(l, x, axis);
    let below = l.push(RingOp::Sub, &[x, largest], &shape, precision);
    let (each, frac) = if n <= MANY {
        (nonpositive(l, below, 24), 24)
    } else {
        // the same words with a bit more behind the point are half as much
        let half = l.push(RingOp::Scale { factor: 1 }, &[below], &shape, precision + 1);
        let root = nonpositive(l, half, 27);
        let square = l.push(RingOp::Mul, &[root, root], &shape, 54);
        (l.at_frac(square, 30), 30)
    };
    let mut row = shape.clone();
    row[axis] = 1;
    let sum = l.push(RingOp::Sum { axes: vec![axis], keepdims: true }, &[each], &row, frac);
    let domain = Domain { bits: frac + bits_of(n), least: Some(frac), signed: false };
    Ok(Exponentials { below, largest, each, sum, domain })
}

/// The fractional bits of a softmax over n classes: as many that what all are off by is below 2^-9.
pub(crate) fn softmax_frac(n: usize, precision: u32) -> u32 {
    if n <= 256 { precision } else { precision.max(10 + bits_of(n)) }
}

/// e^x over the sum of e^x along an axis of input 0.
pub(crate) fn softmax(l: &mut Lowering<'_>, axis: usize) -> Result<RingId, GraphError> {
    let shape = l.shape();
    let e = exponentials(l, axis)?;
    let reciprocal = wide(l, Wide::Reciprocal, e.sum, e.domain, RECIPROCAL_BITS);
    let frac = l.frac_of(e.each) + RECIPROCAL_BITS;
    let product = l.push(RingOp::Mul, &[e.each, reciprocal], &shape, frac);
    let result = l.frac();
    let product = l.at_frac(product, result);
    let slack = RELATIVE + CUT + 2.0 * 2f64.powi(-(l.precision() as i32));
    l.within(product, words(Interval { min: 0.0, max: 1.0 }, result, slack));
    Ok(product)
}

/// x less the logarithm of the sum of e^x along an axis of input 0.
pub(crate) fn log_softmax(l: &mut Lowering<'_>, axis: usize) -> Result<RingId, GraphError> {
    let (shape, precision) = (l.shape(), l.precision());
    let e = exponentials(l, axis)?;
    let log = wide(l, Wide::Log, e.sum, e.domain, precision);
    Ok(l.push(RingOp::Sub, &[e.below, log], &shape, precision))
}

/// The logarithm of the sum of e^x along an axis of input 0, in the node's shape.
pub(crate) fn log_sum_exp(l: &mut Lowering<'_>, axis: usize) -> Result<RingId, GraphError> {
    let (shape, precision) = (l.shape(), l.precision());
    let e = exponentials(l, axis)?;
    let log = wide(l, Wide::Log, e.sum, e.domain, precision);
    let row = l.shape_of(log).to_vec();
    let result = l.push(RingOp::Add, &[e.largest, log], &row, precision);
    Ok(l.reshape(result, &shape))
}
