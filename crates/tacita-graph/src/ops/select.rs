use serde::{Deserialize, Serialize};

use super::shape::{arity, broadcast, kinds};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Kind, Type};

/// `a` where the bit is 1, else `b`, with broadcasting. Inputs bit, a, b; a and b fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Select;

impl Operation for Select {
    fn name(&self) -> &'static str {
        "Select"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [bit, a, b] = arity(inputs, "three")?;
        kinds(&[bit], Kind::Bit)?;
        kinds(&[a, b], Kind::Fixed).map_err(|error| match error {
            InferError::Kind { input, expected, got } => InferError::Kind { input: input + 1, expected, got },
            other => other,
        })?;
        Inferred::fixed(broadcast(&bit.shape, &broadcast(&a.shape, &b.shape)?)?)
    }
}
