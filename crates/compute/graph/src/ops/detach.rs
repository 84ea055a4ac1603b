use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::arity;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// x itself, through which no derivative passes: to derivatives the result is a constant. Any kind. It costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detach;

impl Operation for Detach {
    fn name(&self) -> &'static str {
        "Detach"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        Ok(Inferred { shape: x.shape.clone(), dtype: x.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].clone()
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0])
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0].clone()
    }

    /// None, on purpose.
    fn gradient(&self, _: &mut Backward<'_>) -> Result<(), GraphError> {
        Ok(())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        match l.bits(0) {
            Some(bits) => Ok(bits),
            None => {
                let frac = l.input_frac(0);
                l.ring(0, frac)
            }
        }
    }
}
