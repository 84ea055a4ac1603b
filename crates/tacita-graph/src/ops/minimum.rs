use serde::{Deserialize, Serialize};

use super::shape::elementwise;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Kind, Type};

/// The smaller of a and b, elementwise with broadcasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minimum;

impl Operation for Minimum {
    fn name(&self) -> &'static str {
        "Minimum"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        elementwise(inputs, Kind::Fixed)
    }
}
