use tacita_graph::ops::{Add, MatMul, Transpose};
use tacita_graph::{GraphError, NodeId};

use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;

/// x Wᵀ + b over the last axis: `weight` (outputs, inputs) and `bias` (outputs).
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
    bias: bool,
}

impl Linear {
    /// A layer with a bias.
    pub fn new(inputs: usize, outputs: usize) -> Linear {
        Linear { inputs, outputs, bias: true }
    }

    /// The same without.
    #[must_use]
    pub fn without_bias(self) -> Linear {
        Linear { bias: false, ..self }
    }
}

impl Layer for Linear {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let init = Init::fan_in(self.inputs);
        let weight = net.parameter("weight", &[self.outputs, self.inputs], init)?;
        let name = net.name("linear");
        let turned = net.graph().add(Transpose { perm: vec![1, 0] }, &[weight], "")?;
        let product = net.graph().add(MatMul, &[x, turned], &name)?;
        if !self.bias {
            return Ok(product);
        }
        let bias = net.parameter("bias", &[self.outputs], init)?;
        net.graph().add(Add, &[product, bias], &name)
    }
}
