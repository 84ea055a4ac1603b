use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::comparison;
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::{Lowering, compare};
use crate::types::{Interval, Type};

/// `[a >= b]`, elementwise with broadcasting: a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GreaterEqual;

impl Operation for GreaterEqual {
    fn name(&self) -> &'static str {
        "GreaterEqual"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        comparison(inputs)
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::zip(x[0], x[1], |a, b| f64::from(u8::from(a >= b)))
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: 1.0 }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::turned(d)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        compare::not_less(l, 0, 1)
    }
}
