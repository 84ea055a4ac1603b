use tacita_graph::ops::{Add, MatMul, Transpose};
use tacita_graph::{Graph, GraphError, NodeId};

use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;

/// x Wᵀ + b over the last axis: `weight` (outputs, inputs) and `bias` (outputs).
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
    bias: bool,
    init: [Init; 2],
}

impl Linear {
    /// A layer with a bias.
    pub fn new(inputs: usize, outputs: usize) -> Linear {
        Linear { inputs, outputs, bias: true, init: [Init::fan_in(inputs); 2] }
    }

    /// The same without.
    #[must_use]
    pub fn without_bias(self) -> Linear {
        Linear { bias: false, ..self }
    }

    /// With weight and bias that begin otherwise.
    #[must_use]
    pub fn with_init(self, weight: Init, bias: Init) -> Linear {
        Linear { init: [weight, bias], ..self }
    }
}

impl Layer for Linear {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let weight = net.parameter("weight", &[self.outputs, self.inputs], self.init[0])?;
        let bias = if self.bias { Some(net.parameter("bias", &[self.outputs], self.init[1])?) } else { None };
        let name = net.name("linear");
        affine(net.graph(), x, weight, bias, &name)
    }
}

/// x Wᵀ + b over the last axis.
pub(super) fn affine(
    graph: &mut Graph,
    x: NodeId,
    weight: NodeId,
    bias: Option<NodeId>,
    name: &str,
) -> Result<NodeId, GraphError> {
    let turned = graph.add(Transpose { perm: vec![1, 0] }, &[weight], "")?;
    let product = graph.add(MatMul, &[x, turned], name)?;
    bias.map_or(Ok(product), |bias| graph.add(Add, &[product, bias], name))
}
