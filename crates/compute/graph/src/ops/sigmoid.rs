use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::fits;
use crate::lower::gate::{Above, Gate};
use crate::types::{Interval, Type};

/// 1 / (1 + e^-x).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sigmoid;

impl Sigmoid {
    /// The function, identical on every machine.
    pub(crate) fn of(x: f64) -> f64 {
        1.0 / (1.0 + real::exp(-x))
    }
}

const GATE: Gate = Gate {
    fit: &fits::SIGMOID,
    offset: 0.5,
    half: false,
    below: 0.0,
    above: Above::Constant(1.0),
    cut: 4.6e-5,
};

impl Operation for Sigmoid {
    fn name(&self) -> &'static str {
        "Sigmoid"
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
        Interval { min: Self::of(x[0].min), max: Self::of(x[0].max) }
    }

    /// Its slope is at most 1/4.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0] * 0.25 + GATE.error(d.unit)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let y = b.y();
        let square = b.mul(y, y)?;
        let slope = b.sub(y, square)?;
        let part = b.mul(b.g(), slope)?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        GATE.lower(l)
    }
}
