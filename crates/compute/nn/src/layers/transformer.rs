//! What the layers of transformers have in common.

use tacita_graph::ops::Add;
use tacita_graph::{GraphError, NodeId};

use super::{Dropout, Elementwise, LayerNorm, Linear, MultiheadAttention, Relu};
use crate::layer::Layer;
use crate::net::Net;

/// A layer of an encoder or a decoder but for what attends to what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transformer {
    pub(super) width: usize,
    pub(super) attention: MultiheadAttention,
    pub(super) inner: usize,
    pub(super) dropout: f64,
    pub(super) norm_first: bool,
    pub(super) gelu: bool,
    pub(super) causal: bool,
}

impl Transformer {
    /// With PyTorch's defaults.
    pub(super) fn new(width: usize, heads: usize) -> Transformer {
        let attention = MultiheadAttention::new(width, heads).with_dropout(0.1);
        Transformer {
            width,
            attention,
            inner: 2048,
            dropout: 0.1,
            norm_first: false,
            gelu: false,
            causal: false,
        }
    }

    /// What the sequence finds in itself.
    pub(super) fn self_attention(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let attention = if self.causal { self.attention.causal() } else { self.attention };
        net.within("self_attn", |net| attention.forward(net, x))
    }

    /// x plus a part of the layer, with the norm of this name before the part or after the sum.
    pub(super) fn residual(
        &self,
        net: &mut Net<'_>,
        x: NodeId,
        norm: &str,
        part: impl FnOnce(&mut Net<'_>, NodeId) -> Result<NodeId, GraphError>,
    ) -> Result<NodeId, GraphError> {
        let normal =
            |net: &mut Net<'_>, x: NodeId| net.within(norm, |net| LayerNorm::new(self.width).forward(net, x));
        let input = if self.norm_first { normal(net, x)? } else { x };
        let y = part(net, input)?;
        let y = Dropout(self.dropout).forward(net, y)?;
        let sum = net.graph().add(Add, &[x, y], "")?;
        if self.norm_first { Ok(sum) } else { normal(net, sum) }
    }

    /// Two linear layers with ReLU or GELU between them.
    pub(super) fn feed_forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let h = net.within("linear1", |net| Linear::new(self.width, self.inner).forward(net, x))?;
        let h = if self.gelu { Elementwise::gelu().forward(net, h)? } else { Relu.forward(net, h)? };
        let h = Dropout(self.dropout).forward(net, h)?;
        net.within("linear2", |net| Linear::new(self.inner, self.width).forward(net, h))
    }
}

/// The builders of a struct of one [`Transformer`].
macro_rules! transformer {
    ($name:ident) => {
        impl $name {
            /// So many heads over this width, 2048 features between the linear layers, dropout 0.1, norms after the sums, ReLU,
            /// as PyTorch has it.
            ///
            /// # Panics
            /// If the heads do not divide the width.
            pub fn new(width: usize, heads: usize) -> $name {
                $name(Transformer::new(width, heads))
            }

            /// With so many features between the linear layers.
            #[must_use]
            pub fn with_inner(mut self, inner: usize) -> $name {
                self.0.inner = inner;
                self
            }

            /// With this dropout of all that is attended to, added, and between the linear layers.
            #[must_use]
            pub fn with_dropout(mut self, probability: f64) -> $name {
                self.0.dropout = probability;
                self.0.attention = self.0.attention.with_dropout(probability);
                self
            }

            /// With norms before attention and linear layers, not after the sums.
            #[must_use]
            pub fn norm_first(mut self) -> $name {
                self.0.norm_first = true;
                self
            }

            /// With GELU instead of ReLU.
            #[must_use]
            pub fn with_gelu(mut self) -> $name {
                self.0.gelu = true;
                self
            }

            /// No step sees those of its sequence after it.
            #[must_use]
            pub fn causal(mut self) -> $name {
                self.0.causal = true;
                self
            }
        }
    };
}

pub(super) use transformer;
