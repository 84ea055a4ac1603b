//! An encoder layer of BERT-base (Devlin and others, 2019): attention of twelve heads, a feed-forward network with GELU,
//! each added to its input and normalised.

use tacita_graph::functions::layer_norm;
use tacita_graph::ops::{Add, Constant, Gelu, MatMul, Mul, Reshape, Softmax, Transpose};
use tacita_graph::{GraphError, NodeId, dims};

use super::builder::Builder;

const TOKENS: usize = 128;
const HEADS: usize = 12;
/// Features of a head.
const HEAD: usize = 64;
const HIDDEN: usize = HEADS * HEAD;
const INNER: usize = 4 * HIDDEN;

pub(super) fn build(b: &mut Builder) -> Result<NodeId, GraphError> {
    let x = b.input("tokens", &[TOKENS, HIDDEN])?;
    let attended = attention(b, x)?;
    let x = add_norm(b, x, attended, "attention.norm")?;
    let inner = b.linear(x, INNER, 1.0, "inner")?;
    let inner = b.graph.add(Gelu { tanh: false }, &[inner], "gelu")?;
    let outer = b.linear(inner, HIDDEN, 2.0, "outer")?;
    add_norm(b, x, outer, "norm")
}

fn attention(b: &mut Builder, x: NodeId) -> Result<NodeId, GraphError> {
    let query = b.linear(x, HIDDEN, 1.0, "query")?;
    let key = b.linear(x, HIDDEN, 1.0, "key")?;
    let value = b.linear(x, HIDDEN, 1.0, "value")?;
    let query = heads(b, query, [0, 2, 1, 3], "query.heads")?;
    let key = heads(b, key, [0, 2, 3, 1], "key.heads")?;
    let value = heads(b, value, [0, 2, 1, 3], "value.heads")?;
    let scores = b.graph.add(MatMul, &[query, key], "scores")?;
    let scale = Constant { shape: vec![], value: 1.0 / (HEAD as f64).sqrt() };
    let scale = b.graph.add(scale, &[], "scale")?;
    let scores = b.graph.add(Mul, &[scores, scale], "scores.scaled")?;
    let weights = b.graph.add(Softmax { axis: 3 }, &[scores], "softmax")?;
    let context = b.graph.add(MatMul, &[weights, value], "context")?;
    let context = b.graph.add(Transpose { perm: vec![0, 2, 1, 3] }, &[context], "context.tokens")?;
    let context =
        b.graph.add(Reshape { shape: dims(&[b.batch, TOKENS, HIDDEN]) }, &[context], "context.flat")?;
    b.linear(context, HIDDEN, 1.0, "output")
}

/// Features split into heads, then the axes (batch, token, head, feature) in another order.
fn heads(b: &mut Builder, x: NodeId, perm: [usize; 4], name: &str) -> Result<NodeId, GraphError> {
    let split = b.graph.add(
        Reshape { shape: dims(&[b.batch, TOKENS, HEADS, HEAD]) },
        &[x],
        &format!("{name}.split"),
    )?;
    b.graph.add(Transpose { perm: perm.to_vec() }, &[split], name)
}

fn add_norm(b: &mut Builder, x: NodeId, added: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let sum = b.graph.add(Add, &[x, added], &format!("{name}.sum"))?;
    let gamma = b.weights(format!("{name}.gamma"), &[HIDDEN], 1.0, 0.1)?;
    let beta = b.weights(format!("{name}.beta"), &[HIDDEN], 0.0, 0.1)?;
    layer_norm(&mut b.graph, sum, &[-1], Some(gamma), Some(beta), 1e-12, name)
}
