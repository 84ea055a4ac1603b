use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::{axis, one_fixed};
use super::{Inferred, Operation, Softmax, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, softmax};
use crate::types::{Interval, Type};

/// x minus the logarithm of the sum of e^x along one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogSoftmax {
    /// The axis.
    pub axis: usize,
}

impl Operation for LogSoftmax {
    fn name(&self) -> &'static str {
        "LogSoftmax"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        axis(x, self.axis)?;
        Inferred::fixed(x.shape.clone())
    }

    /// Uses functions with identical rounding on every machine.
    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let axis = Axis(self.axis);
        let mut result = x[0].clone();
        for mut lane in result.lanes_mut(axis) {
            let largest = lane.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
            let sum = lane.fold(0.0, |sum, &x| sum + real::exp(x - largest));
            let log = largest + real::ln(sum);
            lane.mapv_inplace(|x| x - log);
        }
        result
    }

    fn range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        let n = arrays::count_axes(types[0], &[self.axis]);
        Interval { min: x[0].min - x[0].max - real::ln(n), max: 0.0 }
    }

    /// Twice the logits' error, the logarithm's error, the sum's cut-off tail, two units.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::furthest(d.errors[0], self.axis) * 2.0 + softmax::LOG + 3.0 * d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let total = b.sum(b.g(), vec![self.axis], true)?;
        let softmax = b.add(Softmax { axis: self.axis }, &[b.x(0)])?;
        let spread = b.mul(softmax, total)?;
        let part = b.sub(b.g(), spread)?;
        b.give(0, part)
    }

    /// A maximum, an exponential, a logarithm.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        softmax::log_softmax(l, self.axis)
    }
}
