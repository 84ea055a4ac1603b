use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp, RingType};

use super::error_rule::Deviation;
use super::shape::{arity, attribute, finite};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::{Lowering, compare};
use crate::types::{Interval, Type};
use tacita_program::draws;

/// Secret random numbers, uniform from `low` up to but not including `high`, drawn anew in every evaluation. No inputs.
///
/// They are 2^k equally likely and equidistant numbers, the lowest of them `low`. At f fractional bits k is f +
/// ⌈log2(high - low)⌉, so that they are at most 2^-f apart. Their distance is (high - low) / 2^k, rounded to 2^-2f if
/// high - low is no power of two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uniform {
    /// The shape; the first axis may be the batch.
    pub shape: Vec<usize>,
    /// The lower bound, included.
    pub low: f64,
    /// The upper bound, excluded.
    pub high: f64,
    /// The draw number: see [`Graph::next_draw`](crate::Graph::next_draw).
    pub draw: u32,
}

/// The exponent of the least power of two not below a positive number, and whether the two are equal.
fn power_of_two(x: f64) -> (i32, bool) {
    let below = x.log2().floor() as i32;
    // the computed logarithm may be rounded past an integer
    let exponent = (below - 1..=below + 2).find(|&e| 2f64.powi(e) >= x).unwrap_or(below + 2);
    (exponent, 2f64.powi(exponent) == x)
}

impl Operation for Uniform {
    fn name(&self) -> &'static str {
        "Uniform"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        arity::<0>(inputs, "no")?;
        finite("the least number", self.low)?;
        finite("the greatest number", self.high)?;
        if self.low >= self.high || !(self.high - self.low).is_finite() {
            return attribute(format!("nothing lies from {} to below {}", self.low, self.high));
        }
        Inferred::fixed(self.shape.clone())
    }

    /// The drawn words as numbers from 0 to 1; fixed point uses their first k bits.
    fn plain(&self, _: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let number = |word| self.low + draws::unit(word) * (self.high - self.low);
        arrays::drawn(&self.shape, self.draw, number)
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: self.low, max: self.high }
    }

    /// One unit for the omitted bits, half a unit for `low`, the rounding of the distance (2^-2f, up to 2^k times), and
    /// one unit for the truncation.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.result.mapv(|_| d.unit * (3.0 + self.high - self.low))
    }

    /// A round: the digits are random bits, each a ring value. The result of a width that is a power of two has the session's
    /// fractional bits, another twice as many.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let (shape, precision) = (l.shape(), l.precision() as i32);
        let (exponent, whole) = power_of_two(self.high - self.low);
        let digits = precision + exponent;
        if digits < 1 {
            return Err(l.unsupported("the interval is narrower than a unit of the session's precision"));
        }
        if exponent > 62 - 2 * precision {
            return Err(
                l.unsupported("the interval is wider than what is representable at the session's precision")
            );
        }
        let (factor, frac) = match whole {
            true => (1, l.precision()),
            false => {
                let part = (self.high - self.low) / 2f64.powi(exponent);
                (l.encode(part, l.precision())?, 2 * l.precision())
            }
        };
        let bits = l.random(self.draw, RingType::Bits { planes: digits as usize });
        let weights: Vec<(usize, i64)> = (0..digits as usize).map(|i| (i, factor << i)).collect();
        let number = compare::weighted(l, bits, &weights, frac);
        if self.low == 0.0 {
            return Ok(number);
        }
        let low = l.encode(self.low, frac)?;
        let low = l.constant(low, &shape, frac);
        Ok(l.push(RingOp::Add, &[number, low], &shape, frac))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_found() {
        for e in -40..40 {
            let power = 2f64.powi(e);
            assert_eq!(power_of_two(power), (e, true));
            assert_eq!(power_of_two(power.next_up()), (e + 1, false));
            assert_eq!(power_of_two(power.next_down()), (e, false));
        }
    }
}
