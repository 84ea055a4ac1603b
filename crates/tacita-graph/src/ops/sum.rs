use serde::{Deserialize, Serialize};

use super::shape::{one_fixed, reduce};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// The sum over `axes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// In ascending order, each once.
    pub axes: Vec<usize>,
    /// Whether summed axes stay, with size 1.
    pub keepdims: bool,
}

impl Operation for Sum {
    fn name(&self) -> &'static str {
        "Sum"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(reduce(one_fixed(inputs)?, &self.axes, self.keepdims)?)
    }
}
