use serde::{Deserialize, Serialize};

use super::shape::{axis, kinds};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Dim, Type};

/// The inputs one after another along `axis`. Any kind, the same for all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concat {
    /// The axis along which they differ.
    pub axis: usize,
}

impl Operation for Concat {
    fn name(&self) -> &'static str {
        "Concat"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [first, rest @ ..] = inputs else {
            return Err(InferError::Arity { expected: "one or more", got: 0 });
        };
        kinds(inputs, first.kind)?;
        axis(first, self.axis)?;
        let mut shape = first.shape.clone();
        for part in rest {
            let fits = part.rank() == first.rank()
                && (0..part.rank()).all(|i| i == self.axis || part.shape[i] == first.shape[i]);
            match (shape[self.axis], part.shape.get(self.axis)) {
                (Dim::Known(a), Some(&Dim::Known(b))) if fits => {
                    shape[self.axis] = Dim::Known(a.saturating_add(b))
                }
                _ => {
                    let (left, right) = (first.shape.clone(), part.shape.clone());
                    return Err(InferError::Shapes {
                        left,
                        right,
                        reason: "they differ in other axes or join batches",
                    });
                }
            }
        }
        Ok(Inferred { shape, kind: first.kind })
    }
}
