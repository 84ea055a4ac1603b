use ndarray::ArrayD;
use serde::{Deserialize, Serialize};

use super::error_rule::Deviation;
use super::shape::{one_number, reduce};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::lower::tournament::{Prize, tournament};
use crate::program::RingId;
use crate::types::{Interval, Type};

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
        let (x, kind) = one_number(inputs)?;
        Ok(Inferred { shape: reduce(x, &[self.axis], self.keepdims)?, kind })
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

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        tournament(l, self.axis, Prize::Value, true)
    }
}
