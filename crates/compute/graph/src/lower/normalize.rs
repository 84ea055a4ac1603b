//! (x - mean) / √(variance + ε), from sums: the reciprocal root of the sum of squares times the root of their number.

use super::Lowering;
use super::wide::{Domain, Wide, wide_times};
use crate::error::GraphError;
use tacita_program::{RingId, RingOp};

/// Fractional bits of 1/n and of 1/σ. Means must be below 2^(62 - precision - 30), sums of squares below 2^(62 - 2 precision).
const CONSTANT_BITS: u32 = 30;

/// Input 0 normalised over `axes`; without taking off the mean unless `centre`.
pub(crate) fn normalize(
    l: &mut Lowering<'_>,
    axes: &[usize],
    epsilon: f64,
    centre: bool,
) -> Result<RingId, GraphError> {
    let precision = l.precision();
    let x = l.ring(0, precision)?;
    let shape = l.shape_of(x).to_vec();
    let n: usize = axes.iter().map(|&axis| shape[axis]).product();
    let mut row = shape.clone();
    axes.iter().for_each(|&axis| row[axis] = 1);
    let total = RingOp::Sum { axes: axes.to_vec(), keepdims: true };
    let deviation = if centre {
        let sum = l.push(total.clone(), &[x], &row, precision);
        let factor = (2f64.powi(CONSTANT_BITS as i32) / n as f64).round_ties_even() as i64;
        let mean = l.push(RingOp::Scale { factor }, &[sum], &row, precision + CONSTANT_BITS);
        let mean = l.at_frac(mean, precision);
        l.push(RingOp::Sub, &[x, mean], &shape, precision)
    } else {
        x
    };
    let frac = 2 * precision;
    let squares = l.push(RingOp::Mul, &[deviation, deviation], &shape, frac);
    let squares = l.push(total, &[squares], &row, frac);
    let floor = (epsilon * n as f64 * 2f64.powi(frac as i32)).round_ties_even().max(1.0);
    let word = l.constant(floor as i64, &[], frac);
    let squares = l.push(RingOp::Add, &[squares, word], &row, frac);
    let domain = Domain { bits: 62, least: Some((floor as u64).ilog2()), signed: false };
    let root = (n as f64).sqrt();
    let reciprocal = wide_times(l, Wide::Rsqrt, squares, domain, root, CONSTANT_BITS);
    let product = l.push(RingOp::Mul, &[deviation, reciprocal], &shape, precision + CONSTANT_BITS);
    Ok(l.at_frac(product, precision))
}
