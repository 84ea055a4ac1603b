use serde::{Deserialize, Serialize};

use super::shape::one_fixed;
use super::window::Attributes;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// The maximum over a sliding window of x (n, c, [h,] w). Padding never wins, and no window may lie on padding alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaxPool {
    /// The window's size, an axis each.
    pub kernel: Vec<usize>,
    /// The step between windows, an axis each.
    pub stride: Vec<usize>,
    /// Padding before, an axis each.
    pub pads_begin: Vec<usize>,
    /// Padding after, an axis each.
    pub pads_end: Vec<usize>,
    /// The step between taps, an axis each.
    pub dilation: Vec<usize>,
    /// Whether a last window may reach beyond the end.
    pub ceil_mode: bool,
}

impl MaxPool {
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
}
