use serde::{Deserialize, Serialize};

use super::shape::{arity, attribute, finite, kinds, misfit};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Dim, Kind, Type};

/// (x - mean) / sqrt(var + epsilon) * scale + bias by channel, axis 1. Inputs x (n, c, ...), then scale, bias, mean and
/// var, each (c).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchNorm {
    /// What keeps the root away from 0; not negative.
    pub epsilon: f64,
}

impl Operation for BatchNorm {
    fn name(&self) -> &'static str {
        "BatchNorm"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x, parameters @ ..] = arity::<5>(inputs, "five")?;
        kinds(inputs, Kind::Fixed)?;
        finite("epsilon", self.epsilon)?;
        if self.epsilon < 0.0 {
            return attribute("epsilon is negative");
        }
        let Some(&channels @ Dim::Known(_)) = x.shape.get(1) else {
            return misfit(x, "axis 1 must be channels");
        };
        if let Some(parameter) = parameters.iter().find(|parameter| parameter.shape != [channels]) {
            let (left, right) = (x.shape.clone(), parameter.shape.clone());
            return Err(InferError::Shapes {
                left,
                right,
                reason: "a parameter needs one number for each channel",
            });
        }
        Inferred::fixed(x.shape.clone())
    }
}
