use serde::{Deserialize, Serialize};

use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// max(x, 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relu;

impl Operation for Relu {
    fn name(&self) -> &'static str {
        "Relu"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }
}
