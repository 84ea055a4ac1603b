use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};

use super::error_rule::Deviation;
use super::shape::{axis, one_fixed};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::program::RingId;
use crate::types::{Interval, Type};

/// e^x over the sum of e^x along one axis; of clear values only for now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Softmax {
    /// The axis.
    pub axis: usize,
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

    /// By an exponential of sums and products alone, so that it rounds alike on every machine.
    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let axis = Axis(self.axis);
        let mut result = x[0].clone();
        for mut lane in result.lanes_mut(axis) {
            let largest = lane.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
            lane.mapv_inplace(|x| arrays::exp(x - largest));
            let sum = lane.sum();
            lane.mapv_inplace(|x| x / sum);
        }
        result
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: 1.0 }
    }

    /// Never lowered: see `lower`.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        ArrayD::from_elem(d.result.raw_dim(), f64::INFINITY)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        Err(l.unsupported("softmax has no private protocol yet; leave it to the receiver of the logits"))
    }
}
