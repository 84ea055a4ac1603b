use serde::{Deserialize, Serialize};

use super::shape::{one_fixed, reduce};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Kind, Type};

/// The index of the maximum over one axis, the lowest where several are equal: of kind int.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArgMax {
    /// The axis.
    pub axis: usize,
    /// Whether the axis stays, with size 1.
    pub keepdims: bool,
}

impl Operation for ArgMax {
    fn name(&self) -> &'static str {
        "ArgMax"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let shape = reduce(one_fixed(inputs)?, &[self.axis], self.keepdims)?;
        Ok(Inferred { shape, kind: Kind::Int })
    }
}
