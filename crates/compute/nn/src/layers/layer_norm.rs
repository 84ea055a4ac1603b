use tacita_graph::{GraphError, NodeId, functions};

use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;

/// Layer normalisation over the last axis (Ba et al. 2016): `weight` and `bias`, one number a feature.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    features: usize,
    epsilon: f64,
}

impl LayerNorm {
    /// With ε = 10^-5.
    pub fn new(features: usize) -> LayerNorm {
        LayerNorm { features, epsilon: 1e-5 }
    }
}

impl Layer for LayerNorm {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let weight = net.parameter("weight", &[self.features], Init::Constant(1.0))?;
        let bias = net.parameter("bias", &[self.features], Init::Constant(0.0))?;
        let name = net.name("layer_norm");
        functions::layer_norm(net.graph(), x, &[-1], Some(weight), Some(bias), self.epsilon, &name)
    }
}
