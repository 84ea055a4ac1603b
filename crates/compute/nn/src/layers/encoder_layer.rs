use tacita_graph::{GraphError, NodeId};

use super::transformer::{Transformer, transformer};
use crate::layer::Layer;
use crate::net::Net;

/// A layer of a transformer's encoder, batch first: attention of a sequence (n, steps, width) to itself and two linear layers,
/// each added to what goes in and normalised. Parameters are those of `self_attn`, `linear1`, `linear2`, `norm1`, `norm2`.
#[derive(Clone, Copy, Debug)]
pub struct TransformerEncoderLayer(Transformer);

transformer!(TransformerEncoderLayer);

impl Layer for TransformerEncoderLayer {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let x = self.0.residual(net, x, "norm1", |net, x| self.0.self_attention(net, x))?;
        self.0.residual(net, x, "norm2", |net, x| self.0.feed_forward(net, x))
    }
}
