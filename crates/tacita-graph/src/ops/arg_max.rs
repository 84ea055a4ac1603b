use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};

use super::error_rule::Deviation;
use super::shape::{one_fixed, reduce};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::lower::tournament::{Prize, tournament};
use crate::program::RingId;
use crate::types::{Interval, Kind, Type};

/// The index of the maximum over one axis, the lowest where several are equal: of kind int.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArgMax {
    /// The axis.
    pub axis: usize,
    /// Whether the axis stays, with size 1.
    pub keepdims: bool,
}

impl Operation for ArgMax {
    fn name(&self) -> &'static str {
        "ArgMax"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let shape = reduce(one_fixed(inputs)?, &[self.axis], self.keepdims)?;
        Ok(Inferred { shape, kind: Kind::Int })
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let lanes = x[0].map_axis(Axis(self.axis), |lane| {
            let best = lane.iter().enumerate().fold((0, f64::NEG_INFINITY), |best, (index, &value)| {
                if value > best.1 { (index, value) } else { best }
            });
            best.0 as f64
        });
        if self.keepdims { lanes.insert_axis(Axis(self.axis)) } else { lanes }
    }

    fn range(&self, _x: &[Interval], types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: arrays::count_axes(types[0], &[self.axis]) - 1.0 }
    }

    /// Exact where no other value could overtake the largest, else anything.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let axis = Axis(self.axis);
        let size = d.values[0].len_of(axis) as f64;
        let mut bounds = d.result.clone();
        let lanes = d.values[0].lanes(axis).into_iter().zip(d.errors[0].lanes(axis));
        for (bound, (values, errors)) in bounds.iter_mut().zip(lanes) {
            let best = *bound as usize;
            let beaten = values.iter().zip(errors).enumerate().all(|(index, (value, error))| {
                index == best
                    || *error == 0.0 && errors[best] == 0.0
                    || values[best] - value > error + errors[best]
            });
            *bound = if beaten { 0.0 } else { size };
        }
        bounds
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        tournament(l, self.axis, Prize::Index)
    }
}
