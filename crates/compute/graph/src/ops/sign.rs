use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::one_number;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{DType, Interval, Type};

/// 1 above zero, -1 below, 0 at zero, in the type of x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign;

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

impl Operation for Sign {
    fn name(&self) -> &'static str {
        "Sign"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let (x, dtype) = one_number(inputs)?;
        Ok(Inferred { shape: x.shape.clone(), dtype })
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(sign)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(sign(constants[0]))
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: sign(x[0].min).min(0.0), max: sign(x[0].max).max(0.0) }
    }

    /// 2 where the error could move x across zero or to it.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let mut bounds = d.errors[0].clone();
        bounds.zip_mut_with(d.values[0], |error, x| {
            *error = if *error > 0.0 && x.abs() <= *error { 2.0 } else { 0.0 }
        });
        bounds
    }

    /// The derivative of a constant.
    fn gradient(&self, _: &mut Backward<'_>) -> Result<(), GraphError> {
        Ok(())
    }

    /// `[-x < 0] - [x < 0]`.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let shape = l.shape();
        let opposite = l.push(RingOp::Neg, &[x], &shape, frac);
        let [below, above] = [x, opposite].map(|x| {
            let bits = l.negative(x);
            l.unpack(bits)
        });
        let sign = l.push(RingOp::Sub, &[above, below], &shape, 0);
        let frac = if l.dtype(0) == DType::Fixed { l.precision() } else { 0 };
        Ok(l.at_frac(sign, frac))
    }
}
