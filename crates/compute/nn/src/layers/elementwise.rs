use tacita_graph::ops;
use tacita_graph::{Graph, GraphError, NodeId};

use crate::layer::Layer;
use crate::net::Net;

/// max(x, 0).
#[derive(Clone, Copy, Debug)]
pub struct Relu;

impl Layer for Relu {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let name = net.name("relu");
        net.graph().add(ops::Relu, &[x], &name)
    }
}

/// A function of each element, or anything else without parameters.
#[derive(Clone, Copy)]
pub struct Elementwise(pub fn(&mut Graph, NodeId, &str) -> Result<NodeId, GraphError>);

impl Elementwise {
    /// 1 / (1 + e^-x).
    pub fn sigmoid() -> Elementwise {
        Elementwise(|graph, x, name| graph.add(ops::Sigmoid, &[x], name))
    }

    /// The hyperbolic tangent.
    pub fn tanh() -> Elementwise {
        Elementwise(|graph, x, name| graph.add(ops::Tanh, &[x], name))
    }

    /// x Φ(x).
    pub fn gelu() -> Elementwise {
        Elementwise(|graph, x, name| graph.add(ops::Gelu { tanh: false }, &[x], name))
    }

    /// x / (1 + e^-x).
    pub fn silu() -> Elementwise {
        Elementwise(|graph, x, name| graph.add(ops::Silu, &[x], name))
    }
}

impl Layer for Elementwise {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let name = net.name("activation");
        (self.0)(net.graph(), x, &name)
    }
}
