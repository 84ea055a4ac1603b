use serde::{Deserialize, Serialize};

use super::shape::elementwise;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Kind, Type};

/// [a >= b], elementwise with broadcasting: a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GreaterEqual;

impl Operation for GreaterEqual {
    fn name(&self) -> &'static str {
        "GreaterEqual"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        elementwise(inputs, Kind::Bit)
    }
}
