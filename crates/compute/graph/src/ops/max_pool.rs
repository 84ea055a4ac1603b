use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::window::{Attributes, Axis};
use super::{Inferred, MaxPoolGradient, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::pool::max_pool;
use crate::lower::{Lowering, compare};
use crate::types::{Interval, Type};

/// The maximum over a sliding window of x `(n, c, [h,] w)`. Padding is never the maximum, and no window may consist of
/// padding alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaxPool {
    /// The window's size along each axis.
    pub kernel: Vec<usize>,
    /// The step between windows along each axis.
    pub stride: Vec<usize>,
    /// The padding before, along each axis.
    pub pads_begin: Vec<usize>,
    /// The padding after, along each axis.
    pub pads_end: Vec<usize>,
    /// The step between taps along each axis.
    pub dilation: Vec<usize>,
    /// Whether the last window may extend beyond the end.
    pub ceil_mode: bool,
}

impl MaxPool {
    pub(crate) fn axes(&self) -> Vec<Axis> {
        self.attributes().axes().expect("inference checked the attributes")
    }

    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes {
            kernel: &self.kernel,
            stride: &self.stride,
            dilation: &self.dilation,
            begin: &self.pads_begin,
            end: &self.pads_end,
            ceil: self.ceil_mode,
        }
    }
}

impl Operation for MaxPool {
    fn name(&self) -> &'static str {
        "MaxPool"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        let mut shape = x.shape.get(..2).unwrap_or_default().to_vec();
        shape.extend(self.attributes().spatial(x, true)?);
        Inferred::fixed(shape)
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::windows(x[0], &self.axes(), f64::NEG_INFINITY, f64::max)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    /// A maximum is off by at most the largest error of its candidates, plus the truncation of the selected one and the
    /// loss of comparisons on fewer bits.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::windows(d.errors[0], &self.axes(), 0.0, f64::max) + d.unit * (1.0 + compare::ROUGHNESS)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let part = MaxPoolGradient { pool: self.clone(), relu: false }.route(b, b.x(0), b.g())?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        max_pool(l, &self.axes(), false)
    }
}
