use tacita_graph::{GraphError, NodeId};

use super::transformer::{Transformer, transformer};
use crate::net::Net;

/// A layer of a transformer's decoder, batch first: attention of a sequence (n, steps, width) to itself, to what an encoder
/// gives, and two linear layers, each added to what goes in and normalised. Parameters are those of `self_attn`,
/// `multihead_attn`, `linear1`, `linear2`, `norm1`, `norm2`, `norm3`.
///
/// It has two inputs, and so is no [`Layer`](crate::Layer): that of a whole network calls [`decode`](Self::decode).
#[derive(Clone, Copy, Debug)]
pub struct TransformerDecoderLayer(Transformer);

transformer!(TransformerDecoderLayer);

impl TransformerDecoderLayer {
    /// What the decoder makes of x with the memory (n, others, width) of an encoder.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn decode(&self, net: &mut Net<'_>, x: NodeId, memory: NodeId) -> Result<NodeId, GraphError> {
        let x = self.0.residual(net, x, "norm1", |net, x| self.0.self_attention(net, x))?;
        let x = self.0.residual(net, x, "norm2", |net, x| {
            net.within("multihead_attn", |net| self.0.attention.attend(net, x, memory, memory))
        })?;
        self.0.residual(net, x, "norm3", |net, x| self.0.feed_forward(net, x))
    }
}
