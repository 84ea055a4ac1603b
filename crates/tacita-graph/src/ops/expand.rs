use serde::{Deserialize, Serialize};

use super::shape::{arity, broadcast};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Dim, Type};

/// x broadcast to `shape`. Any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expand {
    /// The shape of the result.
    pub shape: Vec<Dim>,
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
        Ok(Inferred { shape: self.shape.clone(), kind: x.kind })
    }
}
