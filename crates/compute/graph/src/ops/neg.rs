use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::one_number;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// -x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neg;

impl Operation for Neg {
    fn name(&self) -> &'static str {
        "Neg"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let (x, dtype) = one_number(inputs)?;
        Ok(Inferred { shape: x.shape.clone(), dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        -x[0]
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(-constants[0])
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: -x[0].max, max: -x[0].min }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0].clone()
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let less = b.scaled(b.g(), -1.0)?;
        b.give(0, less)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let shape = l.shape();
        Ok(l.push(RingOp::Neg, &[x], &shape, frac))
    }
}
