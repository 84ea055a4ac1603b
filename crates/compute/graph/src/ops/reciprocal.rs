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

/// 1 / x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reciprocal;

impl Operation for Reciprocal {
    fn name(&self) -> &'static str {
        "Reciprocal"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(|x| 1.0 / x)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(1.0 / constants[0])
    }

    fn saturates(&self) -> bool {
        true
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        if x[0].min <= 0.0 && x[0].max >= 0.0 {
            return Interval::symmetric(2f64.powi(24)); // that of the smallest number at the largest precision
        }
        Interval::new(1.0 / x[0].min, 1.0 / x[0].max)
    }

    fn plain_range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        if x[0].min <= 0.0 && x[0].max >= 0.0 {
            Interval::symmetric(f64::INFINITY)
        } else {
            self.range(x, types)
        }
    }

    /// The fit's relative error; where x could be 0, the bound covers every possible result.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        ndarray::Zip::from(d.values[0]).and(d.errors[0]).map_collect(|&x, &e| {
            let least = x.abs() - e;
            if least <= d.unit {
                return 2.0 / d.unit;
            }
            e / (least * least) + (1.0 / least) * (Wide::Reciprocal.error() + 2f64.powi(-18)) + 2.0 * d.unit
        })
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let y = b.y();
        let along = b.mul(b.g(), y)?;
        let part = b.mul(along, y)?;
        let part = b.scaled(part, -1.0)?;
        b.give(0, part)
    }

    /// Seven rounds; fewer bytes if the range bound of x is not negative. For 0 the result is the reciprocal of one
    /// unit, the smallest positive number.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let precision = l.precision();
        let x = l.ring(0, precision)?;
        let range = l.range(0);
        let both = Interval::new(0.0, range.magnitude());
        let domain = match range.min >= 0.0 {
            true => Domain::of(range, precision, precision),
            false => Domain { signed: true, ..Domain::of(both, precision, precision) },
        };
        Ok(wide(l, Wide::Reciprocal, x, domain, precision))
    }
}
