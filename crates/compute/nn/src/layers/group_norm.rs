use tacita_graph::{GraphError, NodeId, functions};

use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;

/// Normalisation over groups of channels, axis 1, and all that follows (Wu and He 2018): `weight` and `bias`, one number a
/// channel.
#[derive(Clone, Copy, Debug)]
pub struct GroupNorm {
    groups: usize,
    channels: usize,
    epsilon: f64,
}

impl GroupNorm {
    /// So many groups of the channels, with ε = 10^-5.
    pub fn new(groups: usize, channels: usize) -> GroupNorm {
        GroupNorm { groups, channels, epsilon: 1e-5 }
    }
}

impl Layer for GroupNorm {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let weight = net.parameter("weight", &[self.channels], Init::ONES)?;
        let bias = net.parameter("bias", &[self.channels], Init::ZEROS)?;
        let name = net.name("group_norm");
        functions::group_norm(net.graph(), x, self.groups, Some(weight), Some(bias), self.epsilon, &name)
    }
}
