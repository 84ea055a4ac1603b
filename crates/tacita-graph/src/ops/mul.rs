use serde::{Deserialize, Serialize};

use super::shape::elementwise;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Kind, Type};

/// a * b, elementwise with broadcasting; `a` and `b` may be the same node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mul;

impl Operation for Mul {
    fn name(&self) -> &'static str {
        "Mul"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        elementwise(inputs, Kind::Fixed)
    }
}
