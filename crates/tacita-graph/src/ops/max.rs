use serde::{Deserialize, Serialize};

use super::shape::{one_fixed, reduce};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Kind, Type};

/// The maximum over one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Max {
    /// The axis.
    pub axis: usize,
    /// Whether the axis stays, with size 1.
    pub keepdims: bool,
}

impl Operation for Max {
    fn name(&self) -> &'static str {
        "Max"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let shape = reduce(one_fixed(inputs)?, &[self.axis], self.keepdims)?;
        Ok(Inferred { shape, kind: Kind::Fixed })
    }
}
