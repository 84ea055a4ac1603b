use serde::{Deserialize, Serialize};

use super::shape::{arity, elements};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Dim, Type};

/// The same elements, row-major, in another shape. Any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reshape {
    /// The shape; a batch stays the first axis.
    pub shape: Vec<Dim>,
}

impl Operation for Reshape {
    fn name(&self) -> &'static str {
        "Reshape"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        if elements(&x.shape) != elements(&self.shape)
            || x.shape.contains(&Dim::Batch) != self.shape.contains(&Dim::Batch)
        {
            return Err(InferError::Shapes {
                left: x.shape.clone(),
                right: self.shape.clone(),
                reason: "they have different numbers of elements",
            });
        }
        Ok(Inferred { shape: self.shape.clone(), kind: x.kind })
    }
}
