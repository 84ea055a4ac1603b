use tacita_graph::ops::Conv;
use tacita_graph::{GraphError, NodeId};

use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;

/// A convolution over so many spatial axes.
#[derive(Clone, Debug)]
struct Spatial {
    inputs: usize,
    outputs: usize,
    kernel: Vec<usize>,
    stride: Vec<usize>,
    padding: Vec<usize>,
    dilation: Vec<usize>,
    groups: usize,
    bias: bool,
}

impl Spatial {
    fn new(inputs: usize, outputs: usize, kernel: &[usize]) -> Spatial {
        let ones = vec![1; kernel.len()];
        Spatial {
            inputs,
            outputs,
            kernel: kernel.to_vec(),
            stride: ones.clone(),
            padding: vec![0; kernel.len()],
            dilation: ones,
            groups: 1,
            bias: true,
        }
    }

    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let channels = self.inputs / self.groups.max(1);
        let init = Init::fan_in(channels * self.kernel.iter().product::<usize>());
        let shape = [&[self.outputs, channels], &self.kernel[..]].concat();
        let mut inputs = vec![x, net.parameter("weight", &shape, init)?];
        if self.bias {
            inputs.push(net.parameter("bias", &[self.outputs], init)?);
        }
        let op = Conv {
            stride: self.stride.clone(),
            pads_begin: self.padding.clone(),
            pads_end: self.padding.clone(),
            dilation: self.dilation.clone(),
            groups: self.groups,
        };
        let name = net.name("conv");
        net.graph().add(op, &inputs, &name)
    }
}

macro_rules! convolution {
    ($(#[$doc:meta])* $name:ident, $axes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Spatial);

        impl $name {
            /// A convolution with step 1, without padding, with a bias.
            pub fn new(inputs: usize, outputs: usize, kernel: [usize; $axes]) -> $name {
                $name(Spatial::new(inputs, outputs, &kernel))
            }

            /// With this step between windows.
            #[must_use]
            pub fn with_stride(mut self, stride: [usize; $axes]) -> $name {
                self.0.stride = stride.to_vec();
                self
            }

            /// With so many zeros on both sides of each axis.
            #[must_use]
            pub fn with_padding(mut self, padding: [usize; $axes]) -> $name {
                self.0.padding = padding.to_vec();
                self
            }

            /// With this step between taps.
            #[must_use]
            pub fn with_dilation(mut self, dilation: [usize; $axes]) -> $name {
                self.0.dilation = dilation.to_vec();
                self
            }

            /// With the channels split into groups.
            #[must_use]
            pub fn with_groups(mut self, groups: usize) -> $name {
                self.0.groups = groups;
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

convolution!(
    /// A convolution of (n, channels, length): `weight` (outputs, channels / groups, kernel) and `bias` (outputs).
    Conv1d,
    1
);
convolution!(
    /// A convolution of (n, channels, height, width): `weight` (outputs, channels / groups, height, width of the kernel)
    /// and `bias` (outputs).
    Conv2d,
    2
);
