use serde::{Deserialize, Serialize};

use super::shape::{axis, one_fixed};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// e^x over the sum of e^x along one axis; of clear values only for now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Softmax {
    /// The axis.
    pub axis: usize,
}

impl Operation for Softmax {
    fn name(&self) -> &'static str {
        "Softmax"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        axis(x, self.axis)?;
        Inferred::fixed(x.shape.clone())
    }
}
