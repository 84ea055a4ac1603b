use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::wide::{Domain, Wide, wide};
use crate::types::{Interval, Type};

/// 1 / √x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rsqrt;

impl Rsqrt {
    /// The function, identical on every machine.
    pub(crate) fn of(x: f64) -> f64 {
        1.0 / x.sqrt()
    }
}

impl Operation for Rsqrt {
    fn name(&self) -> &'static str {
        "Rsqrt"
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

    fn saturates(&self) -> bool {
        true
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval {
            min: 1.0 / x[0].max.max(2f64.powi(-24)).sqrt(),
            max: if x[0].min > 0.0 { 1.0 / x[0].min.sqrt() } else { 4096.0 },
        }
    }

    fn plain_range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        if x[0].min <= 0.0 { Interval::symmetric(f64::INFINITY) } else { self.range(x, types) }
    }

    /// The fit's relative error; where x could be 0, the bound covers every possible result.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        ndarray::Zip::from(d.values[0]).and(d.errors[0]).map_collect(|&x, &e| {
            let least = x - e;
            if least <= d.unit {
                return 2.0 / d.unit.sqrt();
            }
            let steep = 1.0 / least.sqrt() - 1.0 / (x + e).sqrt();
            steep + (1.0 / least.sqrt()) * (Wide::Rsqrt.error() + 2f64.powi(-18)) + 2.0 * d.unit
        })
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let y = b.y();
        let square = b.mul(y, y)?;
        let cube = b.mul(square, y)?;
        let part = b.mul(b.g(), cube)?;
        let part = b.scaled(part, -0.5)?;
        b.give(0, part)
    }

    /// Seven rounds. For x at or below 0 the result is that of one unit, the smallest positive number.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let precision = l.precision();
        let x = l.ring(0, precision)?;
        let domain = Domain::of(l.range(0), precision, precision);
        Ok(wide(l, Wide::Rsqrt, x, domain, precision))
    }
}
