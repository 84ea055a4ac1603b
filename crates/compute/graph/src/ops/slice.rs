use ndarray::{ArrayD, Slice as Slice1};
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::shape::{arity, attribute, misfit};
use super::{Gather, Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// Every `steps`-th element from `starts` up to but not including `ends`, for each axis. Any type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The first index of each axis.
    pub starts: Vec<usize>,
    /// The index after the last; clamped to the axis' size, so `usize::MAX` means to the end.
    pub ends: Vec<usize>,
    /// The step of each axis, 1 or more.
    pub steps: Vec<usize>,
}

impl Operation for Slice {
    fn name(&self) -> &'static str {
        "Slice"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        if [&self.starts, &self.ends, &self.steps].iter().any(|list| list.len() != x.rank()) {
            return misfit(x, "starts, ends and steps need a number for each of its axes");
        }
        let mut shape = Vec::with_capacity(x.rank());
        for (i, &dim) in x.shape.iter().enumerate() {
            shape.push(match (dim, self.starts[i], self.ends[i], self.steps[i]) {
                (_, _, _, 0) => return attribute("a step is 0"),
                (size, start, end, step) => end.min(size).saturating_sub(start).div_ceil(step),
            });
        }
        Ok(Inferred { shape, dtype: x.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let part = x[0].slice_each_axis(|axis| {
            let i = axis.axis.index();
            Slice1::new(
                self.starts[i] as isize,
                Some(self.ends[i].min(axis.len) as isize),
                self.steps[i] as isize,
            )
        });
        part.as_standard_layout().into_owned()
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        constants.first().copied()
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let (sizes, mut part) = (b.shape(b.x(0)), b.g());
        for (axis, &size) in sizes.iter().enumerate() {
            let (start, step) = (self.starts[axis], self.steps[axis]);
            let count = b.shape(part)[axis];
            if count != size {
                let place =
                    |at: usize| at.checked_sub(start).filter(|far| far % step == 0 && far / step < count);
                let indices =
                    (0..size).map(|at| place(at).map_or(Gather::ZERO, |far| (far / step) as u32)).collect();
                part = b.add(Gather { axis, indices }, &[part])?;
            }
        }
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let ends = self.ends.iter().zip(l.shape_of(x)).map(|(&end, &size)| end.min(size)).collect();
        let op = RingOp::Slice { starts: self.starts.clone(), ends, steps: self.steps.clone() };
        let shape = l.shape();
        Ok(l.push(op, &[x], &shape, frac))
    }
}
