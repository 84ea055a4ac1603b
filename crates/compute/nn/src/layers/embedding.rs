use tacita_graph::ops::{OneHot, Pick};
use tacita_graph::{DType, GraphError, NodeId};

use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;

/// The rows of `weight` (count, features) at secret indices, or at those that one-hot bits say. An index out of range gives
/// zeros.
#[derive(Clone, Copy, Debug)]
pub struct Embedding {
    count: usize,
    features: usize,
}

impl Embedding {
    /// So many rows of so many numbers.
    pub fn new(count: usize, features: usize) -> Embedding {
        Embedding { count, features }
    }
}

impl Layer for Embedding {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let weight = net.parameter("weight", &[self.count, self.features], Init::Normal(1.0))?;
        let name = net.name("embedding");
        let graph = net.graph();
        let hot = match graph.node(x).ty.dtype {
            DType::Bit => x,
            _ => graph.add(OneHot { depth: self.count }, &[x], &name)?,
        };
        graph.add(Pick { axis: 0 }, &[weight, hot], &name)
    }
}
