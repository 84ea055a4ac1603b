use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::round::{ToWhole, whole};
use crate::types::{Interval, Type};

/// The smallest integer not below x, exact, in fixed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceil;

impl Operation for Ceil {
    fn name(&self) -> &'static str {
        "Ceil"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(f64::ceil)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0].ceil())
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: x[0].min.ceil(), max: x[0].max.ceil() }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::stepped(d, f64::ceil)
    }

    /// The derivative of a constant.
    fn gradient(&self, _: &mut Backward<'_>) -> Result<(), GraphError> {
        Ok(())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let whole = whole(l, x, ToWhole::Ceil);
        let precision = l.precision();
        Ok(l.at_frac(whole, precision))
    }
}
