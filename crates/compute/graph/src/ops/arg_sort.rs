use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::one_sorted;
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::lower::sort::{Column, sorted};
use crate::types::{DType, Interval, Type};

/// The indices, as integers, that sort the values along `axis`. Of equal values the lower index comes first, ascending
/// and descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgSort {
    /// The axis.
    pub axis: usize,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Operation for ArgSort {
    fn name(&self) -> &'static str {
        "ArgSort"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let (x, _) = one_sorted(inputs, self.axis)?;
        Ok(Inferred { shape: x.shape.clone(), dtype: DType::Int })
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::in_order(x[0], self.axis, self.descending, |_, index| index as f64)
    }

    fn range(&self, _x: &[Interval], types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: arrays::count_axes(types[0], &[self.axis]) - 1.0 }
    }

    /// 0 if the errors cannot exchange two values along the axis, else the axis' size.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::displaced(d, self.axis)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        sorted(l, self.axis, self.descending, Column::Indices)
    }
}
