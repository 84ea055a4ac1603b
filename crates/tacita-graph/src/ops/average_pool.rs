use serde::{Deserialize, Serialize};

use super::shape::one_fixed;
use super::window::Attributes;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::Type;

/// The mean over a sliding window of x (n, c, [h,] w).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AveragePool {
    /// The window's size, an axis each.
    pub kernel: Vec<usize>,
    /// The step between windows, an axis each.
    pub stride: Vec<usize>,
    /// Padding before, an axis each.
    pub pads_begin: Vec<usize>,
    /// Padding after, an axis each.
    pub pads_end: Vec<usize>,
    /// Whether a last window may reach beyond the end.
    pub ceil_mode: bool,
    /// Whether padding counts as zeros; what lies beyond the padding never counts.
    pub count_include_pad: bool,
}

impl AveragePool {
    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes {
            kernel: &self.kernel,
            stride: &self.stride,
            dilation: &[1, 1][..self.kernel.len().min(2)],
            begin: &self.pads_begin,
            end: &self.pads_end,
            ceil: self.ceil_mode,
        }
    }
}

impl Operation for AveragePool {
    fn name(&self) -> &'static str {
        "AveragePool"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        let mut shape = x.shape.get(..2).unwrap_or_default().to_vec();
        shape.extend(self.attributes().spatial(x, true)?);
        Inferred::fixed(shape)
    }
}
