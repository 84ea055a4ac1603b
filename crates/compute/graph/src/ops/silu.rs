use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Add, Inferred, Operation, Sigmoid};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::fits;
use crate::lower::gate::{Above, Gate};
use crate::types::{Interval, Type};

/// x / (1 + e^-x), also called swish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silu;

impl Silu {
    /// The function, identical on every machine.
    pub(crate) fn of(x: f64) -> f64 {
        x / (1.0 + real::exp(-x))
    }
}

const GATE: Gate =
    Gate { fit: &fits::SILU, offset: 0.0, half: true, below: 0.0, above: Above::Identity, cut: 7.4e-5 };

impl Operation for Silu {
    fn name(&self) -> &'static str {
        "Silu"
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

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: (-0.2785f64).max(x[0].min.min(0.0)), max: x[0].max.max(0.0) }
    }

    /// Its slope is at most 1.1.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0] * 1.1 + GATE.error(d.unit)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let y = b.y();
        let s = b.add(Sigmoid, &[b.x(0)])?;
        let along = b.mul(y, s)?;
        let rest = b.sub(y, along)?;
        let slope = b.add(Add, &[s, rest])?;
        let part = b.mul(b.g(), slope)?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        GATE.lower(l)
    }
}
