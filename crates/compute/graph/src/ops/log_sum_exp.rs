use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::{axis, one_fixed, reduce};
use super::{Inferred, Operation, Softmax, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, softmax};
use crate::types::{Interval, Type};

/// The logarithm of the sum of e^x along one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogSumExp {
    /// The axis.
    pub axis: usize,
    /// Whether the axis stays, with size 1.
    pub keepdims: bool,
}

impl Operation for LogSumExp {
    fn name(&self) -> &'static str {
        "LogSumExp"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        axis(x, self.axis)?;
        Inferred::fixed(reduce(x, &[self.axis], self.keepdims)?)
    }

    /// Uses functions with identical rounding on every machine.
    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let axis = Axis(self.axis);
        let result = x[0].map_axis(axis, |lane| {
            let largest = lane.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
            largest + real::ln(lane.fold(0.0, |sum, &x| sum + real::exp(x - largest)))
        });
        if self.keepdims { result.insert_axis(axis) } else { result }
    }

    fn range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        let n = arrays::count_axes(types[0], &[self.axis]);
        Interval { min: x[0].min, max: x[0].max + real::ln(n) }
    }

    /// The logits' error, the logarithm's error, the sum's cut-off tail, two units.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let errors = arrays::furthest(d.errors[0], self.axis);
        let first = errors.index_axis(Axis(self.axis), 0).to_owned();
        let first = if self.keepdims { first.insert_axis(Axis(self.axis)) } else { first };
        first * 2.0 + softmax::LOG + 3.0 * d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let shape = b.shape(b.x(0));
        let g = b.expanded(b.g(), &[self.axis], self.keepdims, shape)?;
        let softmax = b.add(Softmax { axis: self.axis }, &[b.x(0)])?;
        let part = b.mul(g, softmax)?;
        b.give(0, part)
    }

    /// A maximum, an exponential, a logarithm.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        softmax::log_sum_exp(l, self.axis)
    }
}
