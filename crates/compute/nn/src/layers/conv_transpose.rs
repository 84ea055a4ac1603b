use tacita_graph::functions::{self, ConvTranspose};
use tacita_graph::{GraphError, NodeId};

use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;

/// A transposed convolution over so many spatial axes.
#[derive(Clone, Debug)]
struct Spatial {
    inputs: usize,
    outputs: usize,
    kernel: Vec<usize>,
    attributes: ConvTranspose,
    bias: bool,
}

impl Spatial {
    fn new(inputs: usize, outputs: usize, kernel: &[usize]) -> Spatial {
        let (ones, zeros) = (vec![1; kernel.len()], vec![0; kernel.len()]);
        let attributes = ConvTranspose {
            stride: ones.clone(),
            pads_begin: zeros.clone(),
            pads_end: zeros.clone(),
            output_padding: zeros,
            dilation: ones,
            groups: 1,
        };
        Spatial { inputs, outputs, kernel: kernel.to_vec(), attributes, bias: true }
    }

    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let channels = self.outputs / self.attributes.groups.max(1);
        // PyTorch takes the second axis for what comes in here as well
        let init = Init::fan_in(channels * self.kernel.iter().product::<usize>());
        let shape = [&[self.inputs, channels], &self.kernel[..]].concat();
        let weight = net.parameter("weight", &shape, init)?;
        let bias = if self.bias { Some(net.parameter("bias", &[self.outputs], init)?) } else { None };
        let name = net.name("conv_transpose");
        functions::conv_transpose(net.graph(), x, weight, bias, &self.attributes, &name)
    }
}

macro_rules! transposed {
    ($(#[$doc:meta])* $name:ident, $axes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Spatial);

        impl $name {
            /// A transposed convolution with step 1, without padding, with a bias.
            pub fn new(inputs: usize, outputs: usize, kernel: [usize; $axes]) -> $name {
                $name(Spatial::new(inputs, outputs, &kernel))
            }

            /// With this step between the places of two elements in the result.
            #[must_use]
            pub fn with_stride(mut self, stride: [usize; $axes]) -> $name {
                self.0.attributes.stride = stride.to_vec();
                self
            }

            /// With so much taken away from both sides of each axis of the result.
            #[must_use]
            pub fn with_padding(mut self, padding: [usize; $axes]) -> $name {
                self.0.attributes.pads_begin = padding.to_vec();
                self.0.attributes.pads_end = padding.to_vec();
                self
            }

            /// With so much more at the end of each axis of the result, below stride or dilation.
            #[must_use]
            pub fn with_output_padding(mut self, padding: [usize; $axes]) -> $name {
                self.0.attributes.output_padding = padding.to_vec();
                self
            }

            /// With this step between taps.
            #[must_use]
            pub fn with_dilation(mut self, dilation: [usize; $axes]) -> $name {
                self.0.attributes.dilation = dilation.to_vec();
                self
            }

            /// With the channels split into groups.
            #[must_use]
            pub fn with_groups(mut self, groups: usize) -> $name {
                self.0.attributes.groups = groups;
                self
            }

            /// Without a bias, as before a batch norm.
            #[must_use]
            pub fn without_bias(mut self) -> $name {
                self.0.bias = false;
                self
            }
        }

        impl Layer for $name {
            fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
                self.0.forward(net, x)
            }
        }
    };
}

transposed!(
    /// A transposed convolution of (n, channels, length): `weight` (channels, outputs / groups, kernel) and `bias` (outputs).
    /// The result has `stride (length - 1) + dilation (kernel - 1) + 1 + output padding - 2 padding` elements.
    ConvTranspose1d,
    1
);
transposed!(
    /// A transposed convolution of (n, channels, height, width): `weight` (channels, outputs / groups, height, width of the
    /// kernel) and `bias` (outputs). Sizes as of [`ConvTranspose1d`].
    ConvTranspose2d,
    2
);
