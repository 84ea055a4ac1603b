use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::lower::fits;
use crate::lower::gate::harmonics;
use crate::program::RingId;
use crate::types::{Interval, Type};

/// The sine of an angle in radians.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sin;

impl Sin {
    /// The function, alike on every machine.
    pub(crate) fn of(x: f64) -> f64 {
        real::cos_sin_of(x).1
    }
}

impl Operation for Sin {
    fn name(&self) -> &'static str {
        "Sin"
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
        let _ = x;
        Interval::symmetric(1.0)
    }

    /// A turn is a whole number of 2^-64ths of a turn for each unit: an angle is off by a part of itself, 2^-30 at the least.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let whole = 64.0 + d.unit.log2() - 2.7;
        let part = 2f64.powf(-whole.min(62.0));
        d.values[0].mapv(|x| x.abs() * part) + d.errors[0] + 2.0 * d.unit
    }

    /// One harmonic, truncated: two rounds.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let sum = harmonics(l, x, &fits::SIN, 0.0);
        let precision = l.precision();
        Ok(l.at_frac(sum, precision))
    }
}
