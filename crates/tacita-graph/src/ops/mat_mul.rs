use serde::{Deserialize, Serialize};

use super::shape::{arity, broadcast, kinds};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Dim, Kind, Type};

/// The matrix product (..., m, k) x (..., k, n) -> (..., m, n), with leading axes broadcast. Both have two axes or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatMul;

impl Operation for MatMul {
    fn name(&self) -> &'static str {
        "MatMul"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [a, b] = arity(inputs, "two")?;
        kinds(inputs, Kind::Fixed)?;
        let refuse = |reason| InferError::Shapes { left: a.shape.clone(), right: b.shape.clone(), reason };
        let ([a_lead @ .., m, k], [b_lead @ .., l, n]) = (a.shape.as_slice(), b.shape.as_slice()) else {
            return Err(refuse("both need two axes or more"));
        };
        if k != l || *k == Dim::Batch {
            return Err(refuse("the last axis of the first is not the last but one of the second"));
        }
        let mut shape = broadcast(a_lead, b_lead)?;
        shape.extend([*m, *n]);
        Inferred::fixed(shape)
    }
}
