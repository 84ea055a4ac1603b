use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::shape::arity;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// Keeps x in shares at the computing parties, under the node's name, for later evaluations of the session, which read
/// it as a secret input of that name. Any type; a fixed-point x then has the session's fractional bits. The value stays
/// secret, and no node may use this node as input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep;

impl Operation for Keep {
    fn name(&self) -> &'static str {
        "Keep"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        Ok(Inferred { shape: x.shape.clone(), dtype: x.dtype })
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].clone()
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        l.keep()
    }
}
