use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation, Sin};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, circle, fits};
use crate::types::{Interval, Type};

/// The cosine of an angle in radians.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cos;

impl Cos {
    /// The function, identical on every machine.
    pub(crate) fn of(x: f64) -> f64 {
        real::cos_sin_of(x).0
    }
}

impl Operation for Cos {
    fn name(&self) -> &'static str {
        "Cos"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(Self::of)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(Self::of(constants[0]))
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval::symmetric(1.0)
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        circle::error(d)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let slope = b.add(Sin, &[b.x(0)])?;
        let part = b.mul(b.g(), slope)?;
        let part = b.scaled(part, -1.0)?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        circle::circle(l, &fits::COS)
    }
}
