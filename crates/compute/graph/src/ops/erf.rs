use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Exp, Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::fits;
use crate::lower::gate::{Above, Gate};
use crate::types::{Interval, Type};

/// The error function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erf;

impl Erf {
    /// The function, identical on every machine.
    pub(crate) fn of(x: f64) -> f64 {
        real::erf(x)
    }
}

const GATE: Gate =
    Gate { fit: &fits::ERF, offset: 0.0, half: false, below: -1.0, above: Above::Constant(1.0), cut: 2.3e-5 };

impl Operation for Erf {
    fn name(&self) -> &'static str {
        "Erf"
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

    /// Its slope is at most 2/√π.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0] * 1.13 + GATE.error(d.unit)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let x = b.x(0);
        let square = b.mul(x, x)?;
        let less = b.scaled(square, -1.0)?;
        let bell = b.add(Exp, &[less])?;
        let part = b.mul(b.g(), bell)?;
        let part = b.scaled(part, std::f64::consts::FRAC_2_SQRT_PI)?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        GATE.lower(l)
    }
}
