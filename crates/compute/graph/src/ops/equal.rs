use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::equality;
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::{Lowering, compare, logic};
use crate::types::{DType, Interval, Type};

/// `[a = b]`, elementwise with broadcasting: a bit. Both inputs have the same type, which may be any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equal;

impl Operation for Equal {
    fn name(&self) -> &'static str {
        "Equal"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        equality(inputs)
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::zip(x[0], x[1], |a, b| f64::from(u8::from(a == b)))
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: 1.0 }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::turned(d)
    }

    /// Compares bits by xor, and numbers by testing their difference for zero.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        if l.dtype(0) == DType::Bit {
            let differ = logic::xor(l)?;
            return Ok(logic::complement(l, differ));
        }
        compare::equal(l, 0, 1)
    }
}
