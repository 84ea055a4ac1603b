use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::{one_bit, reduce};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::{Lowering, logic};
use crate::types::{DType, Interval, Type};

/// Whether all bits over `axes` are 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct All {
    /// In ascending order, each once.
    pub axes: Vec<usize>,
    /// Whether these axes stay, with size 1.
    pub keepdims: bool,
}

impl Operation for All {
    fn name(&self) -> &'static str {
        "All"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let shape = reduce(one_bit(inputs)?, &self.axes, self.keepdims)?;
        Ok(Inferred { shape, dtype: DType::Bit })
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::reduce(x[0], &self.axes, self.keepdims, 1.0, f64::min)
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: 1.0 }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::reduce(d.errors[0], &self.axes, self.keepdims, 0.0, f64::max)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        logic::over_axes(l, &self.axes, false)
    }
}
