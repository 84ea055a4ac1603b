use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::exponential;
use crate::types::{Interval, Type};

/// e^x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exp;

impl Exp {
    /// The function, identical on every machine.
    pub(crate) fn of(x: f64) -> f64 {
        real::exp(x)
    }
}

impl Operation for Exp {
    fn name(&self) -> &'static str {
        "Exp"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(Self::of)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(Self::of(constants[0]))
    }

    fn saturates(&self) -> bool {
        true
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: real::exp(x[0].min), max: real::exp(x[0].max.min(700.0)) }
    }

    /// Both factors are rounded with a relative error of at most 2^-14.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let relative = d.errors[0].mapv(|e| real::exp(e) - 1.0 + 2f64.powi(-12) + d.unit);
        relative * d.result + 2.0 * d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let part = b.mul(b.g(), b.y())?;
        b.give(0, part)
    }

    /// Saturates where e^x is not representable. Cheaper if the range bound of x is not above 0.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.working_frac();
        let x = l.ring(0, frac)?;
        let precision = l.precision();
        if l.range(0).max <= 0.0 {
            return Ok(exponential::nonpositive(l, x, precision));
        }
        Ok(exponential::any(l, x))
    }
}
