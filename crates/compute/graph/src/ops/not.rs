use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::{arity, kinds};
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::types::{DType, Interval, Type};

/// 1 - x for a bit x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Not;

impl Operation for Not {
    fn name(&self) -> &'static str {
        "Not"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        kinds(inputs, DType::Bit)?;
        Ok(Inferred { shape: x.shape.clone(), dtype: DType::Bit })
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(|x| 1.0 - x)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: 1.0 - x[0].max, max: 1.0 - x[0].min }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0].clone()
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let shape = l.shape();
        if let Some(bits) = l.bits(0) {
            return Ok(l.push_bits(RingOp::NotBits, &[bits], &shape, 1));
        }
        let x = l.ring(0, 0)?;
        let one = l.constant(1, &[], 0);
        Ok(l.push(RingOp::Sub, &[one, x], &shape, 0))
    }
}
