use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation, Rsqrt};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::wide::{Domain, Wide, wide};
use crate::types::{Interval, Type};

/// The square root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sqrt;

impl Operation for Sqrt {
    fn name(&self) -> &'static str {
        "Sqrt"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(|x| x.sqrt())
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0].sqrt())
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: x[0].min.max(0.0).sqrt(), max: x[0].max.max(0.0).sqrt() }
    }

    /// The fit's relative error; where x could be 0, the bound covers every possible result.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        ndarray::Zip::from(d.values[0]).and(d.errors[0]).map_collect(|&x, &e| {
            let (least, most) = ((x - e).max(0.0).sqrt(), (x.max(0.0) + e).sqrt());
            most - least + most * (Wide::Sqrt.error() + 2f64.powi(-12)) + 2.0 * d.unit
        })
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let root = b.add(Rsqrt, &[b.x(0)])?;
        let half = b.scaled(b.g(), 0.5)?;
        let part = b.mul(half, root)?;
        b.give(0, part)
    }

    /// Seven rounds. For negative numbers the result is 0.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let precision = l.precision();
        let x = l.ring(0, precision)?;
        let domain = Domain::of(l.range(0), precision, precision);
        Ok(wide(l, Wide::Sqrt, x, domain, precision))
    }
}
