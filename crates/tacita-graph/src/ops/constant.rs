use serde::{Deserialize, Serialize};

use super::shape::{arity, finite};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Dim, Type};

/// A public tensor filled with one number: the only numbers a graph holds. No inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constant {
    /// Its shape; the first axis may be the batch.
    pub shape: Vec<Dim>,
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
}
