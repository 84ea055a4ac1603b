use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};

use super::gather::Gather;
use super::shape::{arity, axis, misfit};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::program::{RingId, RingOp};
use crate::types::{Dim, Interval, Kind, Type};

/// The sum of all elements up to each, along an axis. Any kind; bits are counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CumSum {
    /// The axis.
    pub axis: usize,
    /// Whether an element is left out of its own sum.
    pub exclusive: bool,
    /// Whether it begins at the end.
    pub reverse: bool,
}

impl CumSum {
    /// For each of `size` places the one that is `distance` earlier in the sum, or [`Gather::ZERO`].
    fn earlier(&self, size: usize, distance: usize) -> Vec<u32> {
        let place = |at: usize| {
            let from = if self.reverse { Some(at + distance) } else { at.checked_sub(distance) };
            from.filter(|&from| from < size).map_or(Gather::ZERO, |from| from as u32)
        };
        (0..size).map(place).collect()
    }
}

impl Operation for CumSum {
    fn name(&self) -> &'static str {
        "CumSum"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        axis(x, self.axis)?;
        if x.shape[self.axis] == Dim::Batch {
            return misfit(x, "a symbolic batch cannot be summed up");
        }
        let kind = if x.kind == Kind::Bit { Kind::Int } else { x.kind };
        Ok(Inferred { shape: x.shape.clone(), kind })
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let mut result = x[0].clone();
        for mut lane in result.lanes_mut(Axis(self.axis)) {
            if self.reverse {
                lane.invert_axis(Axis(0));
            }
            let mut sum = 0.0;
            for value in &mut lane {
                let before = sum;
                sum += *value;
                *value = if self.exclusive { before } else { sum };
            }
        }
        result
    }

    fn range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        let all = arrays::count_axes(types[0], &[self.axis]);
        let least = if self.exclusive { 0.0 } else { 1.0 };
        let times = |n: f64| Interval { min: n * x[0].min, max: n * x[0].max };
        times(least).hull(times(all - 1.0 + least))
    }

    /// Each step doubles how many elements a sum has, so that few steps are enough.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let mut sums = l.ring(0, frac)?;
        let shape = l.shape();
        let size = shape[self.axis];
        let moved = |l: &mut Lowering<'_>, x: RingId, distance: usize| {
            let op = RingOp::Gather { axis: self.axis, indices: self.earlier(size, distance) };
            l.push(op, &[x], &shape, frac)
        };
        if self.exclusive {
            sums = moved(l, sums, 1);
        }
        let mut distance = 1;
        while distance < size {
            let others = moved(l, sums, distance);
            sums = l.push(RingOp::Add, &[sums, others], &l.shape(), frac);
            distance *= 2;
        }
        Ok(sums)
    }
}
