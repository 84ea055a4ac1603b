use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::{one_number, reduce};
use super::{Inferred, MaxPoolGradient, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::tournament::extreme;
use crate::types::{Interval, Type, dims};

/// The minimum over one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Min {
    /// The axis.
    pub axis: usize,
    /// Whether the axis stays, with size 1.
    pub keepdims: bool,
}

impl Operation for Min {
    fn name(&self) -> &'static str {
        "Min"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let (x, dtype) = one_number(inputs)?;
        Ok(Inferred { shape: reduce(x, &[self.axis], self.keepdims)?, dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::reduce(x[0], &[self.axis], self.keepdims, f64::INFINITY, f64::min)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::reduce(d.errors[0], &[self.axis], self.keepdims, 0.0, f64::max) + d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let sizes = b.shape(b.x(0));
        let (outer, n) = (sizes[..self.axis].iter().product(), sizes[self.axis]);
        let inner = sizes[self.axis + 1..].iter().product();
        let x = b.reshape(b.x(0), dims(&[outer, 1, n, inner]))?;
        let x = b.scaled(x, -1.0)?;
        let g = b.reshape(b.g(), dims(&[outer, 1, 1, inner]))?;
        let part = MaxPoolGradient::down(n).route(b, x, g)?;
        let part = b.reshape(part, dims(&sizes))?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        extreme(l, self.axis, true)
    }
}
