//! Functions that are smooth in the middle and straight outside: a trigonometric sum under a two-sided gate.
//!
//! The sum is taken of x wherever it lies; a comparison of x with both ends of the interval says whether the sum counts.

use tacita_program::{RingId, RingOp, Threshold, threshold_bits};
use tacita_ring::FOURIER_BITS;

use super::fits::Fit;
use super::leaves::words;
use super::{Lowering, compare};
use crate::error::GraphError;
use crate::types::Interval;

/// Fractional bits of a trigonometric sum.
pub(crate) const SUM_BITS: u32 = 2 * FOURIER_BITS;

/// What a function is above the interval.
pub(crate) enum Above {
    /// A constant; the function goes up or down to it from what it is below.
    Constant(f64),
    /// x itself.
    Identity,
}

/// A function by what it is in the middle and outside.
pub(crate) struct Gate {
    /// The sum, on its domain.
    pub(crate) fit: &'static Fit,
    /// A constant that is added to it.
    pub(crate) offset: f64,
    /// Whether x/2 is added, too.
    pub(crate) half: bool,
    /// Below the domain.
    pub(crate) below: f64,
    /// Above it.
    pub(crate) above: Above,
    /// What the limits are off by at the domain's ends, at most.
    pub(crate) cut: f64,
}

impl Gate {
    /// The largest error but for that of x, in units of 1: fit, cut, and the truncation of the result with some of what the
    /// sum is rounded by.
    pub(crate) fn error(&self, unit: f64) -> f64 {
        self.fit.error + self.cut + 1.5 * unit
    }

    /// The function of input 0.
    pub(crate) fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.working_frac();
        let x = l.ring(0, frac)?;
        self.of(l, x)
    }

    /// The function of a value.
    pub(crate) fn of(&self, l: &mut Lowering<'_>, x: RingId) -> Result<RingId, GraphError> {
        let (precision, frac) = (l.precision(), l.frac_of(x));
        let shape = l.shape_of(x).to_vec();
        let mut sum = harmonics(l, x, self.fit, self.offset);
        if self.half {
            let half = l.push(RingOp::Scale { factor: 1 << (SUM_BITS - frac - 1) }, &[x], &shape, SUM_BITS);
            sum = l.push(RingOp::Add, &[sum, half], &shape, SUM_BITS);
        }
        let thresholds = self.fit.domain.map(|at| Threshold { at: at_frac(at, frac), dropped: 0 });
        let bits = locate(l, x, &thresholds);
        let below = l.encode(self.below, precision)?;
        let below = l.constant(below, &shape, precision);
        let above = match self.above {
            Above::Constant(value) => {
                let value = l.encode(value, precision)?;
                (l.constant(value, &shape, precision), precision)
            }
            Above::Identity => (x, frac),
        };
        let result = compare::choose_each(l, bits, &[(below, precision), (sum, SUM_BITS), above], precision);
        if let Above::Constant(above) = self.above {
            // between the limits, which it goes from and to
            let slack = self.error(2f64.powi(-(precision as i32)));
            l.within(result, words(Interval::new(self.below, above), precision, slack));
        }
        Ok(result)
    }
}

/// The trigonometric sum of a value.
pub(crate) fn harmonics(l: &mut Lowering<'_>, x: RingId, fit: &Fit, offset: f64) -> RingId {
    let shape = l.shape_of(x).to_vec();
    let sum = fit.harmonics(l.frac_of(x), offset);
    l.push(RingOp::FourierSum { sum }, &[x], &shape, SUM_BITS)
}

/// Which interval between thresholds a value is in, one-hot.
pub(crate) fn locate(l: &mut Lowering<'_>, x: RingId, thresholds: &[Threshold]) -> RingId {
    let shape = l.shape_of(x).to_vec();
    let bits = threshold_bits(l.bounds(x), thresholds);
    let op = RingOp::Bucketize { thresholds: thresholds.to_vec(), bits };
    l.push_bits(op, &[x], &shape, thresholds.len() + 1)
}

/// A number as a ring element, for thresholds.
pub(crate) fn at_frac(x: f64, frac: u32) -> i64 {
    (x * 2f64.powi(frac as i32)).round_ties_even() as i64
}

#[cfg(test)]
mod tests {
    use super::super::fits::*;

    #[test]
    fn sums_stay_below_the_ring() {
        for fit in [&SIGMOID, &TANH, &ERF, &GELU, &GELU_TANH, &SILU, &SOFTPLUS] {
            let sum: i64 = fit.terms.iter().map(|(a, b)| a.abs() + b.abs()).sum();
            assert!(sum < 32 << 28, "x/2 and the sum are below 64");
        }
    }
}
