use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};
use tacita_ring::{ConvSpec, Window2d};

use super::error_rule::Deviation;
use super::shape::{kinds, misfit};
use super::window::{Attributes, Axis};
use super::{Inferred, Operation, Slice, arrays};
use crate::error::{GraphError, InferError};
use crate::functions::{ConvTranspose, conv_transpose};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{DType, Interval, Type, dims};

/// The convolution (a cross-correlation, as in neural networks) of x `(n, c, [h,] w)` with the kernel w `(o, c/groups,
/// [kh,] kw)`, plus a bias (o) as an optional third input. Padding is with 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conv {
    /// The step between windows along each axis.
    pub stride: Vec<usize>,
    /// The padding before, along each axis.
    pub pads_begin: Vec<usize>,
    /// The padding after, along each axis.
    pub pads_end: Vec<usize>,
    /// The step between taps along each axis.
    pub dilation: Vec<usize>,
    /// The number of groups into which the channels are split.
    pub groups: usize,
}

impl Conv {
    fn axes(&self, w: &[usize]) -> Vec<Axis> {
        self.attributes(&w[2..]).axes().expect("inference checked the attributes")
    }

    fn add_bias(&self, x: &ArrayD<f64>, bias: &ArrayD<f64>) -> ArrayD<f64> {
        let mut shape = vec![1; x.ndim() - 1];
        shape[0] = bias.len();
        arrays::zip(x, &arrays::reshape(bias, &shape), |x, bias| x + bias)
    }

    fn compute(&self, x: &[&ArrayD<f64>], product: arrays::Product) -> ArrayD<f64> {
        let result = arrays::conv(x[0], x[1], &self.axes(x[1].shape()), self.groups, product);
        match x.get(2) {
            Some(bias) => self.add_bias(&result, bias),
            None => result,
        }
    }

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
        kinds(inputs, DType::Fixed)?;
        let refuse =
            |reason| Err(InferError::Shapes { left: x.shape.clone(), right: w.shape.clone(), reason });
        if x.rank() != self.stride.len() + 2 || w.rank() != x.rank() {
            return refuse("input and kernel need batch or outputs, channels, and an axis for each stride");
        }
        let (kernel, channels) = (&w.shape, x.shape[1]);
        if self.groups == 0
            || !kernel[0].is_multiple_of(self.groups)
            || kernel[1].checked_mul(self.groups) != Some(channels)
        {
            return refuse(
                "the kernel's channels times groups are not the input's, or groups do not divide the outputs",
            );
        }
        if let Some(bias) = inputs.get(2)
            && bias.shape != [kernel[0]]
        {
            return misfit(bias, format!("a bias has one axis of {}", kernel[0]));
        }
        let spatial = self.attributes(&kernel[2..]).spatial(x, false)?;
        let mut shape = vec![x.shape[0], kernel[0]];
        shape.extend(spatial);
        Inferred::fixed(shape)
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        self.compute(x, arrays::fast_product)
    }

    fn plain_reproducible(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        self.compute(x, arrays::exact_product)
    }

    fn range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        let terms = arrays::count(&types[1].shape[1..]);
        let bound = terms * x[0].magnitude() * x[1].magnitude();
        let bias = x.get(2).copied().unwrap_or(Interval::new(0.0, 0.0));
        Interval { min: bias.min - bound, max: bias.max + bound }
    }

    /// Errors multiply out; one unit is for the truncation of the result. The bias adds its own error.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let product = arrays::product_error(d, |x, w| self.compute(&[x, w], arrays::fast_product));
        match d.errors.get(2) {
            Some(bias) => self.add_bias(&product, bias),
            None => product,
        }
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let (x, w, g) = (b.x(0), b.x(1), b.g());
        let (sizes, kernel, result) = (b.shape(x), b.shape(w), b.shape(g));
        let (spatial, groups) = (sizes.len() - 2, self.groups);
        if b.wanted(0) {
            let covered = |axis: usize| {
                self.stride[axis] * (result[axis + 2] - 1) + self.dilation[axis] * (kernel[axis + 2] - 1) + 1
            };
            let padded = |axis: usize| sizes[axis + 2] + self.pads_begin[axis] + self.pads_end[axis];
            let attributes = ConvTranspose {
                stride: self.stride.clone(),
                pads_begin: self.pads_begin.clone(),
                pads_end: self.pads_end.clone(),
                output_padding: (0..spatial).map(|axis| padded(axis) - covered(axis)).collect(),
                dilation: self.dilation.clone(),
                groups,
            };
            let (graph, name) = b.graph();
            let part = conv_transpose(graph, g, w, None, &attributes, name)?;
            b.give(0, part)?;
        }
        if b.wanted(1) {
            // convolve x with g, with samples and channels exchanged, and steps and dilations too
            let (samples, inputs) = (sizes[0], sizes[1] / groups);
            let split = b.reshape(x, dims(&[&[samples, groups, inputs], &sizes[2..]].concat()))?;
            let turned = b.transpose(split, [2, 1, 0].into_iter().chain(3..sizes.len() + 1).collect())?;
            let turned = b.reshape(turned, dims(&[&[inputs, groups * samples], &sizes[2..]].concat()))?;
            let of_g = b.transpose(g, [1, 0].into_iter().chain(2..sizes.len()).collect())?;
            let exchanged = Conv {
                stride: self.dilation.clone(),
                pads_begin: self.pads_begin.clone(),
                pads_end: self.pads_end.clone(),
                dilation: self.stride.clone(),
                groups,
            };
            let mut part = b.add(exchanged, &[turned, of_g])?;
            let ends: Vec<usize> =
                [inputs, kernel[0]].into_iter().chain(kernel[2..].iter().copied()).collect();
            if b.shape(part) != ends {
                part =
                    b.add(Slice { starts: vec![0; ends.len()], steps: vec![1; ends.len()], ends }, &[part])?;
            }
            let part = b.transpose(part, [1, 0].into_iter().chain(2..sizes.len()).collect())?;
            b.give(1, part)?;
        }
        if b.inputs() == 3 && b.wanted(2) {
            let axes = (0..sizes.len()).filter(|&axis| axis != 1).collect();
            let part = b.sum(g, axes, false)?;
            b.give(2, part)?;
        }
        Ok(())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        if l.visibility(0).join(l.visibility(1)).is_clear() {
            return Err(
                l.unsupported("run `optimize` first; it leaves this product to the owner who knows both")
            );
        }
        let precision = l.precision();
        let (x, w) = (l.ring(0, precision)?, l.ring(1, precision)?);
        let (x_shape, w_shape, shape) = (l.input_shape(0), l.input_shape(1), l.shape());
        let flat = |shape: &[usize]| match *shape {
            [a, b, c] => vec![a, b, 1, c],
            _ => shape.to_vec(),
        };
        let x = l.reshape(x, &flat(&x_shape));
        let w = l.reshape(w, &flat(&w_shape));
        let [vertical, horizontal] = arrays::two(&self.axes(&w_shape));
        let window = Window2d {
            kernel: [vertical.kernel, horizontal.kernel],
            stride: [vertical.stride, horizontal.stride],
            dilation: [vertical.dilation, horizontal.dilation],
            pads: [vertical.begin, horizontal.begin, vertical.end, horizontal.end],
        };
        let spec = ConvSpec { window, groups: self.groups };
        let mut result = l.push(RingOp::Conv { spec }, &[x, w], &flat(&shape), 2 * precision);
        if l.node().inputs.len() == 3 {
            let bias = l.ring(2, 2 * precision)?;
            let bias = l.reshape(bias, &[w_shape[0], 1, 1]);
            result = l.push(RingOp::Add, &[result, bias], &flat(&shape), 2 * precision);
        }
        Ok(l.reshape(result, &shape))
    }
}
