use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::shape::{arity, broadcast};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// x broadcast to `shape`. Any type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expand {
    /// The shape of the result.
    pub shape: Vec<usize>,
}

impl Operation for Expand {
    fn name(&self) -> &'static str {
        "Expand"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        if broadcast(&x.shape, &self.shape)? != self.shape {
            return Err(InferError::Shapes {
                left: x.shape.clone(),
                right: self.shape.clone(),
                reason: "the first does not broadcast to the second",
            });
        }
        Ok(Inferred { shape: self.shape.clone(), dtype: x.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::expand(x[0], &self.shape)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        constants.first().copied()
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        b.give(0, b.g())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let shape = l.shape();
        Ok(l.broadcast(x, &shape))
    }
}
