use tacita_graph::ops::{Cast, Constant, MatMul, Reshape, Select, Softmax, ToWhole, Transpose};
use tacita_graph::{DType, Graph, GraphError, InferError, NodeId, functions};

use super::linear::affine;
use super::{Dropout, Linear};
use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;
use crate::public::{number, times};

/// What stands for a score that must not count: e to this power is 0 beside any other of the row that is above -7000.
const MASKED: f64 = -8192.0;

/// Attention by heads (Vaswani et al. 2017), batch first: `in_proj_weight` (3 width, width) and `in_proj_bias` (3 width) of
/// queries, keys and values, `out_proj.weight` (width, width) and `out_proj.bias` (width). As a layer, attention of a sequence
/// (n, steps, width) to itself.
#[derive(Clone, Copy, Debug)]
pub struct MultiheadAttention {
    width: usize,
    heads: usize,
    causal: bool,
    dropout: f64,
}

impl MultiheadAttention {
    /// So many heads, each of a part of the width, that see the whole sequence.
    ///
    /// # Panics
    /// If the heads do not divide the width.
    pub fn new(width: usize, heads: usize) -> MultiheadAttention {
        assert!(heads > 0 && width.is_multiple_of(heads), "{heads} heads of a width of {width}");
        MultiheadAttention { width, heads, causal: false, dropout: 0.0 }
    }

    /// No step sees those after it: query i the keys up to the i-th.
    #[must_use]
    pub fn causal(self) -> MultiheadAttention {
        MultiheadAttention { causal: true, ..self }
    }

    /// With this dropout of what is attended to.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> MultiheadAttention {
        MultiheadAttention { dropout, ..self }
    }

    /// What queries (n, steps, width) find by keys among values, both (n, others, width): softmax(q kᵀ / √(width / heads)) v in
    /// each head, and the projection of all.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn attend(
        &self,
        net: &mut Net<'_>,
        query: NodeId,
        key: NodeId,
        value: NodeId,
    ) -> Result<NodeId, GraphError> {
        let width = self.width;
        let weight = net.parameter("in_proj_weight", &[3 * width, width], Init::xavier(width, 3 * width))?;
        let bias = net.parameter("in_proj_bias", &[3 * width], Init::ZEROS)?;
        let name = net.name("attention");
        let mut projected = Vec::new();
        let inputs = [query, key, value];
        // one product for neighbours that are the same
        for same in inputs.chunk_by(|a, b| a == b) {
            let (from, count) = (projected.len() * width, same.len() * width);
            let graph = net.graph();
            let weight = functions::narrow(graph, weight, 0, from, count, &name)?;
            let bias = functions::narrow(graph, bias, 0, from, count, &name)?;
            let product = affine(graph, same[0], weight, Some(bias), &name)?;
            for part in 0..same.len() {
                let part = functions::narrow(graph, product, -1, part * width, width, &name)?;
                projected.push(self.by_heads(graph, part, &name)?);
            }
        }
        let [query, key, value] = projected[..] else { unreachable!("a projection of each") };
        let graph = net.graph();
        let query = times(graph, query, 1.0 / ((width / self.heads) as f64).sqrt())?;
        let turned = graph.add(Transpose { perm: vec![0, 1, 3, 2] }, &[key], &name)?;
        let mut scores = graph.add(MatMul, &[query, turned], &name)?;
        if self.causal {
            scores = masked(graph, scores, &name)?;
        }
        let mut weights = graph.add(Softmax { axis: 3 }, &[scores], &name)?;
        if self.dropout > 0.0 {
            weights = Dropout(self.dropout).forward(net, weights)?;
        }
        let graph = net.graph();
        let found = graph.add(MatMul, &[weights, value], &name)?;
        let found = graph.add(Transpose { perm: vec![0, 2, 1, 3] }, &[found], &name)?;
        let shape = graph.node(found).ty.shape.clone();
        let together = vec![shape[0], shape[1], width];
        let found = graph.add(Reshape { shape: together }, &[found], &name)?;
        let out = Linear::new(width, width).with_init(Init::fan_in(width), Init::ZEROS);
        net.within("out_proj", |net| out.forward(net, found))
    }

    /// (n, steps, width) as (n, heads, steps, width / heads).
    fn by_heads(&self, graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
        let shape = graph.node(x).ty.shape.clone();
        let &[rows, steps, _] = shape.as_slice() else {
            let reason = "a sequence is of samples, steps and features".into();
            let source = InferError::Shape { shape, reason };
            return Err(GraphError::Invalid { node: name.to_owned(), op: "attention", source });
        };
        let (heads, each) = (self.heads, (self.width / self.heads));
        let apart = graph.add(Reshape { shape: vec![rows, steps, heads, each] }, &[x], name)?;
        graph.add(Transpose { perm: vec![0, 2, 1, 3] }, &[apart], name)
    }
}

/// Scores without those of keys after the query.
fn masked(graph: &mut Graph, scores: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let shape = graph.node(scores).ty.shape[2..].to_vec();
    let ones = graph.add(Constant { shape, value: 1.0 }, &[], "")?;
    let seen = functions::tril(graph, ones, 0, name)?;
    let seen = graph.add(Cast { to: DType::Bit, rounding: ToWhole::TowardsZero }, &[seen], name)?;
    let unseen = number(graph, MASKED)?;
    graph.add(Select, &[seen, scores, unseen], name)
}

impl Layer for MultiheadAttention {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        self.attend(net, x, x, x)
    }
}
