use serde::{Deserialize, Serialize};

use super::shape::{finite, misfit, one_fixed};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Dim, Type};

/// x with `value` around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pad {
    /// How many before, an axis each.
    pub before: Vec<usize>,
    /// How many after, an axis each.
    pub after: Vec<usize>,
    /// What to pad with, finite.
    pub value: f64,
}

impl Operation for Pad {
    fn name(&self) -> &'static str {
        "Pad"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        finite("the value", self.value)?;
        if self.before.len() != x.rank() || self.after.len() != x.rank() {
            return misfit(x, "before and after need a number for each of its axes");
        }
        let pads = self.before.iter().zip(&self.after);
        let mut shape = Vec::with_capacity(x.rank());
        for (&dim, (&before, &after)) in x.shape.iter().zip(pads) {
            shape.push(match (dim, before, after) {
                (Dim::Batch, 0, 0) => Dim::Batch,
                (Dim::Batch, ..) => return misfit(x, "a symbolic batch cannot be padded"),
                (Dim::Known(size), ..) => Dim::Known(size.saturating_add(before).saturating_add(after)),
            });
        }
        Inferred::fixed(shape)
    }
}
