use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::shape::{arity, elements};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// The same elements, row-major, in another shape. Any type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reshape {
    /// The shape.
    pub shape: Vec<usize>,
}

impl Operation for Reshape {
    fn name(&self) -> &'static str {
        "Reshape"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        if elements(&x.shape) != elements(&self.shape) {
            return Err(InferError::Shapes {
                left: x.shape.clone(),
                right: self.shape.clone(),
                reason: "they have different numbers of elements",
            });
        }
        Ok(Inferred { shape: self.shape.clone(), dtype: x.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::reshape(x[0], &self.shape)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        constants.first().copied()
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let shape = b.shape(b.x(0));
        let part = b.reshape(b.g(), shape)?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let shape = l.shape();
        Ok(l.reshape(x, &shape))
    }
}
