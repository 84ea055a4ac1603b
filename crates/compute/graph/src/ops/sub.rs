use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::arithmetic;
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// a - b, with broadcasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sub;

impl Operation for Sub {
    fn name(&self) -> &'static str {
        "Sub"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        arithmetic(inputs)
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::zip(x[0], x[1], |a, b| a - b)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0] - constants[1])
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: x[0].min - x[1].max, max: x[0].max - x[1].min }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::zip(d.errors[0], d.errors[1], |a, b| a + b)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let g = b.g();
        b.give(0, g)?;
        if b.wanted(1) {
            let less = b.scaled(g, -1.0)?;
            b.give(1, less)?;
        }
        Ok(())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let (a, b) = (l.ring(0, frac)?, l.ring(1, frac)?);
        let shape = l.shape();
        Ok(l.push(RingOp::Sub, &[a, b], &shape, frac))
    }
}
