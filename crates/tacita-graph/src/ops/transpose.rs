use serde::{Deserialize, Serialize};

use super::shape::{arity, misfit};
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// The axes in another order: axis i of the result is axis perm[i] of x. Any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transpose {
    /// Every axis once.
    pub perm: Vec<usize>,
}

impl Operation for Transpose {
    fn name(&self) -> &'static str {
        "Transpose"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        let mut sorted = self.perm.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..x.rank()) {
            return misfit(x, format!("{:?} does not name each of its axes once", self.perm));
        }
        Ok(Inferred { shape: self.perm.iter().map(|&axis| x.shape[axis]).collect(), kind: x.kind })
    }
}
