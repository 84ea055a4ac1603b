use serde::{Deserialize, Serialize};

use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// 1 / x; of clear values only, for folding batch norms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reciprocal;

impl Operation for Reciprocal {
    fn name(&self) -> &'static str {
        "Reciprocal"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }
}
