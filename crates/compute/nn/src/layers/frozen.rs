use tacita_graph::{GraphError, NodeId};

use crate::layer::Layer;
use crate::net::Net;

/// A layer that is not trained: its parameters are private inputs of their owner, of role
/// [`Parameter`](tacita_graph::Role::Parameter), under the names that they have in the network; the owner gives them with every
/// evaluation. The layer is as it is used, without dropout and with running moments, also where the network is trained.
pub struct Frozen<L> {
    layer: L,
    owner: String,
}

impl<L: Layer> Frozen<L> {
    /// With a layer whose parameters this member has.
    pub fn new(layer: L, owner: &str) -> Frozen<L> {
        Frozen { layer, owner: owner.to_owned() }
    }
}

impl<L: Layer> Layer for Frozen<L> {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        net.frozen(&self.owner, |net| self.layer.forward(net, x))
    }
}
