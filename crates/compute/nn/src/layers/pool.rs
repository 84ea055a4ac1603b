use tacita_graph::ops::{AveragePool, MaxPool};
use tacita_graph::{GraphError, NodeId};

use crate::layer::Layer;
use crate::net::Net;

/// The maximum over windows of (n, channels, height, width).
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d {
    /// Height and width of a window.
    pub kernel: [usize; 2],
    /// The step between windows.
    pub stride: [usize; 2],
}

impl MaxPool2d {
    /// Windows side by side.
    pub fn new(kernel: [usize; 2]) -> MaxPool2d {
        MaxPool2d { kernel, stride: kernel }
    }
}

impl Layer for MaxPool2d {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let op = MaxPool {
            kernel: self.kernel.to_vec(),
            stride: self.stride.to_vec(),
            pads_begin: vec![0; 2],
            pads_end: vec![0; 2],
            dilation: vec![1; 2],
            ceil_mode: false,
        };
        let name = net.name("max_pool");
        net.graph().add(op, &[x], &name)
    }
}

/// The mean over windows of (n, channels, height, width).
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d {
    /// Height and width of a window.
    pub kernel: [usize; 2],
    /// The step between windows.
    pub stride: [usize; 2],
}

impl AvgPool2d {
    /// Windows side by side.
    pub fn new(kernel: [usize; 2]) -> AvgPool2d {
        AvgPool2d { kernel, stride: kernel }
    }
}

impl Layer for AvgPool2d {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let op = AveragePool {
            kernel: self.kernel.to_vec(),
            stride: self.stride.to_vec(),
            pads_begin: vec![0; 2],
            pads_end: vec![0; 2],
            ceil_mode: false,
            count_include_pad: true,
        };
        let name = net.name("avg_pool");
        net.graph().add(op, &[x], &name)
    }
}
