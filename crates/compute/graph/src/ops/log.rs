use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Div, Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::wide::{Domain, Wide, wide};
use crate::types::{Interval, Type};

/// The natural logarithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log;

impl Log {
    /// The function, identical on every machine.
    pub(crate) fn of(x: f64) -> f64 {
        real::ln(x)
    }
}

impl Operation for Log {
    fn name(&self) -> &'static str {
        "Log"
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
        Interval {
            min: if x[0].min > 0.0 { real::ln(x[0].min) } else { -17.0 },
            max: real::ln(x[0].max.max(2f64.powi(-24))),
        }
    }

    fn plain_range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        if x[0].min <= 0.0 { Interval::symmetric(f64::INFINITY) } else { self.range(x, types) }
    }

    /// Where x could be 0, the bound covers every possible result.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let lost = 2.0 * d.unit + Wide::Log.error();
        ndarray::Zip::from(d.values[0]).and(d.errors[0]).map_collect(|&x, &e| {
            let least = x - e;
            if least <= d.unit { 64.0 } else { real::ln((x + e) / least) + lost }
        })
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let part = b.add(Div, &[b.g(), b.x(0)])?;
        b.give(0, part)
    }

    /// Six rounds. For x at or below 0 the result is the logarithm of one unit, the smallest positive number.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let precision = l.precision();
        let x = l.ring(0, precision)?;
        let domain = Domain::of(l.range(0), precision, precision);
        Ok(wide(l, Wide::Log, x, domain, precision))
    }
}
