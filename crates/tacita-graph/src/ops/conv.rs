use serde::{Deserialize, Serialize};

use super::shape::{kinds, misfit};
use super::window::Attributes;
use super::{Inferred, Operation};
use crate::error::InferError;
use crate::types::{Dim, Kind, Type};

/// The convolution (as networks have it: a correlation) of x (n, c, [h,] w) with the kernel w (o, c/groups, [kh,] kw),
/// plus a bias (o) as an optional third input. Padding is with 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conv {
    /// The step between windows, an axis each.
    pub stride: Vec<usize>,
    /// Padding before, an axis each.
    pub pads_begin: Vec<usize>,
    /// Padding after, an axis each.
    pub pads_end: Vec<usize>,
    /// The step between taps, an axis each.
    pub dilation: Vec<usize>,
    /// How many groups the channels are split into.
    pub groups: usize,
}

impl Conv {
    pub(crate) fn attributes<'a>(&'a self, kernel: &'a [usize]) -> Attributes<'a> {
        Attributes {
            kernel,
            stride: &self.stride,
            dilation: &self.dilation,
            begin: &self.pads_begin,
            end: &self.pads_end,
            ceil: false,
        }
    }
}

impl Operation for Conv {
    fn name(&self) -> &'static str {
        "Conv"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let (x, w) = match inputs {
            [x, w] | [x, w, _] => (x, w),
            _ => return Err(InferError::Arity { expected: "two or three", got: inputs.len() }),
        };
        kinds(inputs, Kind::Fixed)?;
        let refuse =
            |reason| Err(InferError::Shapes { left: x.shape.clone(), right: w.shape.clone(), reason });
        if x.rank() != self.stride.len() + 2 || w.rank() != x.rank() {
            return refuse("input and kernel need batch or outputs, channels, and an axis for each stride");
        }
        let kernel = w.sizes().ok_or_else(|| InferError::Attribute("the kernel has a batch axis".into()))?;
        let Dim::Known(channels) = x.shape[1] else { return refuse("the input's channels are the batch") };
        if self.groups == 0
            || !kernel[0].is_multiple_of(self.groups)
            || kernel[1].checked_mul(self.groups) != Some(channels)
        {
            return refuse(
                "the kernel's channels times groups are not the input's, or groups do not divide the outputs",
            );
        }
        if let Some(bias) = inputs.get(2)
            && bias.shape != [Dim::Known(kernel[0])]
        {
            return misfit(bias, format!("a bias has one axis of {}", kernel[0]));
        }
        let spatial = self.attributes(&kernel[2..]).spatial(x, false)?;
        let mut shape = vec![x.shape[0], Dim::Known(kernel[0])];
        shape.extend(spatial);
        Inferred::fixed(shape)
    }
}
