use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, Visibility};

use super::shape::{arity, attribute, finite};
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::types::{DType, Interval, Role, Type};

/// Data from an owner, or from everybody if public; the node's name is the input's. No inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its shape; the first axis may be the batch.
    pub shape: Vec<usize>,
    /// The visibility, which names the owner. A secret input reads the value that an earlier evaluation kept under its
    /// name.
    pub visibility: Visibility,
    /// Whether the input lasts as long as the session. Ignored for a secret input, which never does.
    pub role: Role,
    /// The declared range of its values, if any. It is public, and encoding checks it. Nobody can check a secret input,
    /// so the builder of the graph is responsible for its range.
    pub range: Option<Interval>,
    /// The type of its numbers. Integers must be below 2^62 in absolute value.
    pub dtype: DType,
}

impl Operation for Input {
    fn name(&self) -> &'static str {
        "Input"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        arity::<0>(inputs, "no")?;
        if let Some(range) = self.range {
            finite("the range's minimum", range.min)?;
            finite("the range's maximum", range.max)?;
            if range.min > range.max {
                return attribute(format!("the range {}..={} is empty", range.min, range.max));
            }
        }
        Ok(Inferred { shape: self.shape.clone(), dtype: self.dtype })
    }

    fn plain(&self, _: &[&ArrayD<f64>]) -> ArrayD<f64> {
        unreachable!("evaluators take inputs from their caller")
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        self.range.expect("ranges are taken from the declaration, where there is one")
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        Ok(l.secret_input())
    }
}
