//! What a layer is, and layers in a row.

use tacita_graph::{Graph, GraphError, NodeId};

use crate::net::Net;

/// Something that makes of one value another, maybe with parameters of its own.
pub trait Layer: Send + Sync {
    /// Adds the layer to the graph.
    ///
    /// # Errors
    /// If the value does not fit; the error names the node and both shapes.
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError>;

    /// Adds the layer as it is used, not trained, to a graph in which its parameters are kept.
    ///
    /// # Errors
    /// As [`Layer::forward`].
    fn apply(&self, graph: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
        self.forward(&mut Net::new(graph, false), x)
    }
}

impl Layer for Box<dyn Layer> {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        (**self).forward(net, x)
    }
}

/// Layers one after another, named by their numbers as PyTorch names them.
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Layer>>,
}

impl Sequential {
    /// No layers.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// One more layer.
    #[must_use]
    pub fn then(mut self, layer: impl Layer + 'static) -> Sequential {
        self.layers.push(Box::new(layer));
        self
    }
}

impl Layer for Sequential {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let numbered = self.layers.iter().enumerate();
        numbered
            .into_iter()
            .try_fold(x, |x, (at, layer)| net.within(&at.to_string(), |net| layer.forward(net, x)))
    }
}
