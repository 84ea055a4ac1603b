use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::arity;
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;

pub use crate::lower::round::ToWhole;
use crate::lower::{Lowering, logic, round};
use crate::types::{DType, Interval, Type};

/// x converted to another type. To bits: whether it is not zero. From bits: 0 or 1. Between integers and fixed point:
/// exact except for the fractional part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cast {
    /// The type of the result.
    pub to: DType,
    /// The rounding of a fixed-point number to an integer, if the result is an integer.
    pub rounding: ToWhole,
}

impl Cast {
    /// The converted number.
    pub(crate) fn convert(&self, x: f64) -> f64 {
        match self.to {
            DType::Fixed => x,
            DType::Int => self.rounding.of(x),
            DType::Bit => f64::from(u8::from(x != 0.0)),
        }
    }
}

impl Operation for Cast {
    fn name(&self) -> &'static str {
        "Cast"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        Ok(Inferred { shape: x.shape.clone(), dtype: self.to })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(|x| self.convert(x))
    }

    /// Widened by one at both ends for integers, because the fixed-point value may be off.
    fn range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        match (self.to, types[0].dtype) {
            (DType::Bit, _) => Interval { min: 0.0, max: 1.0 },
            (DType::Int, DType::Fixed) => {
                Interval { min: self.convert(x[0].min) - 1.0, max: self.convert(x[0].max) + 1.0 }
            }
            _ => x[0],
        }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        match self.to {
            DType::Fixed => d.errors[0].clone(),
            DType::Int => arrays::stepped(d, |x| self.convert(x)),
            DType::Bit => arrays::zip(d.values[0], d.errors[0], |x, error| {
                f64::from(u8::from(error > 0.0 && x.abs() <= error))
            }),
        }
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        match self.to {
            DType::Fixed if b.wanted(0) => b.give(0, b.g()),
            _ => Ok(()),
        }
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let from = l.dtype(0);
        if let (DType::Bit, Some(bits)) = (self.to, l.bits(0)) {
            return Ok(bits);
        }
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        match (from, self.to) {
            (DType::Fixed, DType::Int) => Ok(round::whole(l, x, self.rounding)),
            (DType::Fixed | DType::Int, DType::Bit) => {
                let zero = l.zero(x);
                Ok(logic::not(l, zero))
            }
            (DType::Int | DType::Bit, DType::Fixed) => {
                let precision = l.precision();
                Ok(l.at_frac(x, precision))
            }
            _ => Ok(x),
        }
    }
}
