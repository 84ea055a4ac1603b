use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::{one_number, reduce};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::lower::tournament::place;
use crate::types::{DType, Interval, Type};

/// The index of the maximum along one axis as an integer; the lowest index of equal values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArgMax {
    /// The axis.
    pub axis: usize,
    /// Whether the axis stays, with size 1.
    pub keepdims: bool,
}

impl Operation for ArgMax {
    fn name(&self) -> &'static str {
        "ArgMax"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let shape = reduce(one_number(inputs)?.0, &[self.axis], self.keepdims)?;
        Ok(Inferred { shape, dtype: DType::Int })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::first_best(x[0], self.axis, self.keepdims, |a, b| a > b)
    }

    fn range(&self, _x: &[Interval], types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: arrays::count_axes(types[0], &[self.axis]) - 1.0 }
    }

    /// 0 if the errors cannot change the maximum's index, else the axis' size.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::overtaken(d, self.axis)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        place(l, self.axis, false)
    }
}
