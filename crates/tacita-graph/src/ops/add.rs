use serde::{Deserialize, Serialize};

use super::shape::elementwise;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Kind, Type};

/// a + b, with broadcasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Add;

impl Operation for Add {
    fn name(&self) -> &'static str {
        "Add"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        elementwise(inputs, Kind::Fixed)
    }
}
