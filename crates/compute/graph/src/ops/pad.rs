use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::{finite, misfit, one_fixed};
use super::{Inferred, Operation, Slice};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// x surrounded by `value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pad {
    /// The padding before, along each axis.
    pub before: Vec<usize>,
    /// The padding after, along each axis.
    pub after: Vec<usize>,
    /// The padding value, finite.
    pub value: f64,
}

impl Pad {
    fn around(&self, x: &ArrayD<f64>, value: f64) -> ArrayD<f64> {
        let pads = self.before.iter().zip(&self.after);
        let shape: Vec<usize> = x.shape().iter().zip(pads).map(|(size, (b, a))| size + b + a).collect();
        let mut result = ArrayD::from_elem(shape, value);
        let mut inside = result.slice_each_axis_mut(|axis| {
            let i = axis.axis.index();
            ndarray::Slice::from(self.before[i]..axis.len - self.after[i])
        });
        inside.assign(x);
        result
    }
}

impl Operation for Pad {
    fn name(&self) -> &'static str {
        "Pad"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        finite("the value", self.value)?;
        if self.before.len() != x.rank() || self.after.len() != x.rank() {
            return misfit(x, "before and after need a number for each of its axes");
        }
        let pads = self.before.iter().zip(&self.after);
        let mut shape = Vec::with_capacity(x.rank());
        for (&size, (&before, &after)) in x.shape.iter().zip(pads) {
            shape.push(size.saturating_add(before).saturating_add(after));
        }
        Inferred::fixed(shape)
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        self.around(x[0], self.value)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0].hull(Interval::new(self.value, self.value))
    }

    /// One unit more: the padding around an untruncated product is truncated with it later.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        self.around(d.errors[0], d.unit / 2.0) + d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let sizes = b.shape(b.x(0));
        let ends = self.before.iter().zip(&sizes).map(|(before, size)| before + size).collect();
        let part =
            b.add(Slice { starts: self.before.clone(), ends, steps: vec![1; sizes.len()] }, &[b.g()])?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let value = l.encode(self.value, frac)?;
        let op = RingOp::Pad { before: self.before.clone(), after: self.after.clone(), value };
        let shape = l.shape();
        Ok(l.push(op, &[x], &shape, frac))
    }
}
