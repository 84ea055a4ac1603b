use serde::{Deserialize, Serialize};

use super::shape::{arity, kinds};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Kind, Type};

/// 1 - x for a bit x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Not;

impl Operation for Not {
    fn name(&self) -> &'static str {
        "Not"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        kinds(inputs, Kind::Bit)?;
        Ok(Inferred { shape: x.shape.clone(), kind: Kind::Bit })
    }
}
