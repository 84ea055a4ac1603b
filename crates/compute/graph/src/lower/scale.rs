//! Products by public numbers: integers in the ring, never floats.

use super::Lowering;
use crate::error::GraphError;
use tacita_program::{RingId, RingOp};

/// A number smaller than 2^-4 loses too many of its bits at `precision`: the value is then truncated further first.
const SMALL: u32 = 4;

/// How to multiply a value by a number c: divide it by 2^truncate, multiply by `factor`, and count `bits` more
/// fractional bits. 2^-shift is what the truncation took from c.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Factor {
    truncate: u32,
    shift: u32,
    factor: i64,
    bits: u32,
}

/// The number of halvings of 1 that lead to a number not above |c|, for |c| < 1.
fn exponent(c: f64) -> u32 {
    let mut halvings = 0;
    let mut power = 1.0;
    while power > c.abs() && halvings < 64 {
        power /= 2.0;
        halvings += 1;
    }
    halvings
}

/// c * 2^bits for the fewest `bits` up to `most` that make it an integer.
fn whole(c: f64, most: u32) -> Option<(i64, u32)> {
    (0..=most)
        .map(|bits| (c * 2f64.powi(bits as i32), bits))
        .find(|(scaled, _)| scaled.fract() == 0.0)
        .and_then(
            |(scaled, bits)| if scaled.abs() < 2f64.powi(62) { Some((scaled as i64, bits)) } else { None },
        )
}

impl Factor {
    /// For a value at `have` fractional bits, between `precision` and twice that. The product has at most twice.
    fn of(c: f64, precision: u32, have: u32) -> Self {
        if c == 0.0 {
            return Factor { truncate: 0, shift: 0, factor: 0, bits: 0 };
        }
        let shift = exponent(c).min(62 - 2 * precision);
        if let Some((factor, bits)) = whole(c, (2 * precision).saturating_sub(have)) {
            return Factor { truncate: 0, shift: 0, factor, bits };
        }
        let shift = if have == precision && shift <= SMALL { 0 } else { shift };
        let rest = c * 2f64.powi(shift as i32);
        let (factor, bits) = whole(rest, precision)
            .unwrap_or(((rest * 2f64.powi(precision as i32)).round_ties_even() as i64, precision));
        Factor { truncate: have - precision + shift, shift, factor, bits }
    }
}

/// The largest error of the number that a value is multiplied by for c.
pub(crate) fn quantisation(c: f64, precision: u32) -> f64 {
    let approximated = |have| {
        let factor = Factor::of(c, precision, have);
        (factor.factor as f64 * 2f64.powi(-((factor.bits + factor.shift) as i32)) - c).abs()
    };
    // Whatever the value's fractional bits: the two extremes, and half a unit of numbers that are not small.
    let half = if exponent(c) <= SMALL && whole(c, precision).is_none() { 0.5 } else { 0.0 };
    approximated(precision).max(approximated(2 * precision)).max(half * 2f64.powi(-(precision as i32)))
}

/// The value times c.
///
/// # Errors
/// If c is not representable.
pub(crate) fn scale(l: &mut Lowering<'_>, x: RingId, c: f64) -> Result<RingId, GraphError> {
    l.encode(c, l.precision())?;
    let precision = l.precision();
    let factor = Factor::of(c, precision, l.frac_of(x));
    let x = if factor.truncate > 0 { l.truncate(x, factor.truncate, precision) } else { x };
    if factor.factor == 1 && factor.bits == 0 {
        return Ok(x);
    }
    let shape = l.shape_of(x).to_vec();
    let frac = l.frac_of(x) + factor.bits;
    Ok(l.push(RingOp::Scale { factor: factor.factor }, &[x], &shape, frac))
}

/// The value times a public number for each element, at most 1 each, as `numbers` of a shape that broadcasts to
/// the value's.
pub(crate) fn scale_each(l: &mut Lowering<'_>, x: RingId, numbers: &[f64], shape: &[usize]) -> RingId {
    let (precision, have) = (l.precision(), l.frac_of(x));
    let largest = numbers.iter().copied().fold(0.0, f64::max);
    let shift = exponent(largest).min(62 - 2 * precision);
    let shift = if have == precision && shift <= SMALL { 0 } else { shift };
    let x = l.truncate(x, have - precision + shift, precision);
    let power = 2f64.powi((precision + shift) as i32);
    let values = numbers.iter().map(|number| (number * power).round_ties_even() as i64).collect();
    let numbers = l.push(RingOp::ConstantTensor { values }, &[], shape, precision);
    let shape = l.shape_of(x).to_vec();
    l.push(RingOp::Mul, &[x, numbers], &shape, 2 * precision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_bits() {
        for precision in [8, 16, 24] {
            for c in [1.0, -3.0, 0.25, 1.0 / 9.0, 1.0 / 49.0, 3.7, -0.001, 1.5, 1e-9, 0.999] {
                for have in precision..=2 * precision {
                    let f = Factor::of(c, precision, have);
                    let got = f.factor as f64 * 2f64.powi(-((f.bits + f.shift) as i32));
                    assert!(
                        (got - c).abs() <= quantisation(c, precision),
                        "{c} at {precision}, {have}: {got}"
                    );
                    assert!((got - c).abs() <= 2f64.powi(-(precision as i32) - 1));
                    let frac = if f.truncate > 0 { precision } else { have };
                    assert!(frac + f.bits <= 2 * precision, "{c} at {precision}, {have}: {f:?}");
                }
            }
        }
    }

    #[test]
    fn powers_of_two_cost_no_product() {
        assert_eq!(Factor::of(0.25, 16, 32), Factor { truncate: 18, shift: 2, factor: 1, bits: 0 });
        assert_eq!(Factor::of(0.25, 16, 16), Factor { truncate: 0, shift: 0, factor: 1, bits: 2 });
        assert_eq!(Factor::of(7.0, 16, 32), Factor { truncate: 0, shift: 0, factor: 7, bits: 0 });
    }
}
