use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::shape::{arity, finite};
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// A public tensor filled with one number. A graph holds no other numbers. No inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constant {
    /// Its shape; the first axis may be the batch.
    pub shape: Vec<usize>,
    /// The number, finite.
    pub value: f64,
}

impl Operation for Constant {
    fn name(&self) -> &'static str {
        "Constant"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        arity::<0>(inputs, "no")?;
        finite("the value", self.value)?;
        Inferred::fixed(self.shape.clone())
    }

    fn plain(&self, _: &[&ArrayD<f64>]) -> ArrayD<f64> {
        ArrayD::from_elem(self.shape.as_slice(), self.value)
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval::new(self.value, self.value)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        Err(l.unsupported("a constant is public and has no private form"))
    }
}
