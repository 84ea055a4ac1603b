use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, Visibility};

use super::shape::{arity, attribute, finite};
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::types::{DType, Interval, Role, Type};

/// Data that an owner or everybody brings; the node's name is the input's. No inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its shape; the first axis may be the batch.
    pub shape: Vec<usize>,
    /// Who brings it. A secret input is what an earlier evaluation kept under its name.
    pub visibility: Visibility,
    /// Whether it lives as long as the session; a secret input does not, whatever is said here.
    pub role: Role,
    /// The range its values are declared to lie in, if any: public, and checked when data is encoded. Of a secret input nobody
    /// can check it: whoever builds the graph must know.
    pub range: Option<Interval>,
    /// What its numbers mean. Whole numbers must be below 2^62 in absolute value.
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
