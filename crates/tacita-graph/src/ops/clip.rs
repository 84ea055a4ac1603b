use serde::{Deserialize, Serialize};

use super::shape::{attribute, finite, one_fixed};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// min(max(x, min), max).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    /// The least value, if any.
    pub min: Option<f64>,
    /// The greatest value, if any; not below `min`.
    pub max: Option<f64>,
}

impl Operation for Clip {
    fn name(&self) -> &'static str {
        "Clip"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        self.min.map_or(Ok(()), |min| finite("min", min))?;
        self.max.map_or(Ok(()), |max| finite("max", max))?;
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return attribute(format!("min {min} is above max {max}"));
        }
        Inferred::fixed(x.shape.clone())
    }
}
