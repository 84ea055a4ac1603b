use serde::{Deserialize, Serialize};

use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// The square root of x >= 0; of clear values only, for folding batch norms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sqrt;

impl Operation for Sqrt {
    fn name(&self) -> &'static str {
        "Sqrt"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }
}
