use serde::{Deserialize, Serialize};

use super::shape::{one_fixed, reduce};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// The mean over `axes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// In ascending order, each once.
    pub axes: Vec<usize>,
    /// Whether these axes stay, with size 1.
    pub keepdims: bool,
}

impl Operation for Mean {
    fn name(&self) -> &'static str {
        "Mean"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(reduce(one_fixed(inputs)?, &self.axes, self.keepdims)?)
    }
}
