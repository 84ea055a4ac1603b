use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::{axis, one_fixed};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, softmax};
use crate::types::{Interval, Type};

/// e^x over the sum of e^x along one axis. With more than 256 classes the result has more fractional bits than the
/// session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Softmax {
    /// The axis.
    pub axis: usize,
}

impl Softmax {
    /// The fractional bits of the result.
    pub(crate) fn frac_of(&self, x: &Type, precision: u32) -> u32 {
        softmax::softmax_frac(arrays::count_axes(x, &[self.axis]) as usize, precision)
    }
}

impl Operation for Softmax {
    fn name(&self) -> &'static str {
        "Softmax"
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
            lane.mapv_inplace(|x| real::exp(x - largest));
            let sum = lane.sum();
            lane.mapv_inplace(|x| x / sum);
        }
        result
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: 1.0 }
    }

    /// The relative errors of the logits, the exponentials and the reciprocal, the cut-off low end, two units.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let errors = arrays::furthest(d.errors[0], self.axis);
        let relative = errors.mapv(|e| real::exp(2.0 * e) - 1.0 + softmax::RELATIVE);
        &relative * d.result + softmax::CUT + 2.0 * d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let (y, axes) = (b.y(), vec![self.axis]);
        let along = b.mul(b.g(), y)?;
        let mean = b.sum(along, axes, true)?;
        let apart = b.sub(b.g(), mean)?;
        let part = b.mul(y, apart)?;
        b.give(0, part)
    }

    /// A maximum, an exponential, a reciprocal, a product.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        softmax::softmax(l, self.axis)
    }
}
