use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::arithmetic;
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, compare};
use crate::types::{Interval, Type};

/// The larger of a and b, elementwise with broadcasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maximum;

impl Operation for Maximum {
    fn name(&self) -> &'static str {
        "Maximum"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        arithmetic(inputs)
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::zip(x[0], x[1], f64::max)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0].max(constants[1]))
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: x[0].min.max(x[1].min), max: x[0].max.max(x[1].max) }
    }

    /// The larger of the inputs' errors, a truncation, and candidates less than a unit apart.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::zip(d.errors[0], d.errors[1], f64::max) + 2.0 * d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let (g, shape) = (b.g(), b.shape(b.y()));
        let [first, second] = [b.repeated(b.x(0), shape.clone())?, b.repeated(b.x(1), shape)?];
        // the first of equals, as in the forward pass
        let ahead = b.sub(first, second)?;
        let to_first = b.step(ahead, g)?;
        b.give(0, to_first)?;
        if b.wanted(1) {
            let to_second = b.sub(g, to_first)?;
            b.give(1, to_second)?;
        }
        Ok(())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        compare::larger(l, false)
    }
}
