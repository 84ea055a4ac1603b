use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::shape::{arity, axis};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{DType, Interval, Type};

/// The running sum along an axis. Any type; bits are counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CumSum {
    /// The axis.
    pub axis: usize,
    /// Whether each sum excludes its own element.
    pub exclusive: bool,
    /// Whether the sums run from the end.
    pub reverse: bool,
}

impl Operation for CumSum {
    fn name(&self) -> &'static str {
        "CumSum"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        axis(x, self.axis)?;
        let dtype = if x.dtype == DType::Bit { DType::Int } else { x.dtype };
        Ok(Inferred { shape: x.shape.clone(), dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
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

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let back = CumSum { reverse: !self.reverse, ..*self };
        let part = b.add(back, &[b.g()])?;
        b.give(0, part)
    }

    /// Each step doubles the number of elements in a sum, so the number of steps is logarithmic.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let mut sums = l.ring(0, frac)?;
        let shape = l.shape();
        let size = shape[self.axis];
        // The sums `distance` places earlier, or zeros where there are none.
        let moved = |l: &mut Lowering<'_>, x: RingId, distance: usize| {
            let mut rest = shape.clone();
            rest[self.axis] = size - distance;
            let (none, mut some) = (vec![0; shape.len()], vec![0; shape.len()]);
            some[self.axis] = distance;
            let (starts, ends) = match self.reverse {
                false => (none.clone(), rest.clone()),
                true => (some.clone(), shape.clone()),
            };
            let (before, after) = if self.reverse { (none, some) } else { (some, none) };
            let kept = l.push(RingOp::Slice { starts, ends, steps: vec![1; shape.len()] }, &[x], &rest, frac);
            l.push(RingOp::Pad { before, after, value: 0 }, &[kept], &shape, frac)
        };
        if self.exclusive {
            sums = moved(l, sums, 1);
        }
        let mut distance = 1;
        while distance < size {
            let others = moved(l, sums, distance);
            sums = l.push(RingOp::Add, &[sums, others], &shape, frac);
            distance *= 2;
        }
        Ok(sums)
    }
}
