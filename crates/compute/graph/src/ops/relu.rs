use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RangeBound, RingId};

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, compare};
use crate::types::{Interval, Type};

/// max(x, 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relu;

impl Operation for Relu {
    fn name(&self) -> &'static str {
        "Relu"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(|x| x.max(0.0))
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0].max(0.0))
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0].clamp_to(Interval { min: 0.0, max: f64::MAX })
    }

    /// A truncation, or a wrong sign of a value below one unit.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0] + d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let part = b.step(b.x(0), b.g())?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let (result, shape) = (l.frac(), l.shape());
        if l.bounds(x).low >= 0 {
            return Ok(l.at_frac(x, result));
        }
        // a wrong sign of a value below one unit costs less than one unit, like a truncation
        let bits = compare::not_negative(l, x, result);
        let zero = l.constant(0, &shape, frac);
        let result = compare::choose(l, bits, &[zero, x], result);
        l.within(result, RangeBound { low: -1, high: i64::MAX });
        Ok(result)
    }
}
