use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::logical;
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::{Lowering, logic};
use crate::types::{Interval, Type};

/// Whether at least one of two bits is 1, elementwise with broadcasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Or;

impl Operation for Or {
    fn name(&self) -> &'static str {
        "Or"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        logical(inputs)
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::zip(x[0], x[1], |a, b| a.max(b))
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: 1.0 }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::zip(d.errors[0], d.errors[1], f64::max)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        logic::or(l)
    }
}
