use serde::{Deserialize, Serialize};

use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// -x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neg;

impl Operation for Neg {
    fn name(&self) -> &'static str {
        "Neg"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }
}
