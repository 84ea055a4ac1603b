use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp, RingType};

use super::error_rule::Deviation;
use super::shape::{arity, attribute};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::types::{DType, Interval, Type};

/// Secret random bits, drawn anew in every evaluation: each is 1 with a public probability, exact to 2^-64. No inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bernoulli {
    /// The shape; the first axis may be the batch.
    pub shape: Vec<usize>,
    /// The probability of a 1.
    pub probability: f64,
    /// The draw number: see [`Graph::next_draw`](crate::Graph::next_draw).
    pub draw: u32,
}

impl Bernoulli {
    /// p·2^63, as an element of the ring.
    fn threshold(&self) -> u64 {
        (self.probability * 2f64.powi(63)).round() as u64
    }

    /// Whether the bit is fair, and so is drawn directly.
    fn is_fair(&self) -> bool {
        self.probability == 0.5
    }
}

impl Operation for Bernoulli {
    fn name(&self) -> &'static str {
        "Bernoulli"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        arity::<0>(inputs, "no")?;
        match (0.0..=1.0).contains(&self.probability) {
            true => Ok(Inferred { shape: self.shape.clone(), dtype: DType::Bit }),
            false => attribute(format!("{} is no probability", self.probability)),
        }
    }

    fn plain(&self, _: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let threshold = if self.is_fair() { 0 } else { self.threshold() };
        let sign = |word: u64| (word >> 63) as u8;
        arrays::drawn(&self.shape, self.draw, |word| match self.is_fair() {
            true => f64::from(sign(word)),
            false => f64::from(sign(word) ^ sign(word.wrapping_sub(threshold))),
        })
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: 1.0 }
    }

    /// The same words give the same bits.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        ArrayD::zeros(d.result.raw_dim())
    }

    /// A fair bit needs no interaction. Otherwise x is uniform in the ring and t = p·2^63: x and x - t have different
    /// signs exactly if x lies in [0, t) or [2^63, 2^63 + t), which are 2t of 2^64 numbers. Three rounds.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let shape = l.shape();
        if self.is_fair() {
            return Ok(l.random(self.draw, RingType::Bits { planes: 1 }));
        }
        let x = l.random(self.draw, RingType::Ring { frac: 0 });
        let threshold = l.constant(self.threshold() as i64, &shape, 0);
        let shifted = l.push(RingOp::Sub, &[x, threshold], &shape, 0);
        let signs = [x, shifted].map(|x| l.negative(x));
        Ok(l.push_bits(RingOp::XorBits, &signs, &shape, 1))
    }
}
