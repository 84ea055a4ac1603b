use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{Owner, RingId};

use super::shape::{arity, attribute};
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// Opens x to the named owners alone. No other operation opens a value. Any type. No node may use it as input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reveal {
    /// The receivers, in ascending order, each once.
    pub to: Vec<Owner>,
}

impl Operation for Reveal {
    fn name(&self) -> &'static str {
        "Reveal"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        if self.to.is_empty() || !self.to.is_sorted_by(|a, b| a < b) {
            return attribute("receivers are missing, or not in ascending order, each once");
        }
        Ok(Inferred { shape: x.shape.clone(), dtype: x.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].clone()
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        l.reveal(&self.to)
    }
}
