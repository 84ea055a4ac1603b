//! Batch norms: folded into the preceding weights if their owner can do so in the clear, otherwise a scale and a shift
//! for each channel. The party that knows the variance computes square root and division in f64; for a secret variance
//! the parties compute the reciprocal root.

use super::{Rewriter, rewrite};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Add, BatchNorm, Constant, Conv, MatMul, Mul, Op, Reciprocal, Reshape, Rsqrt, Sqrt, Sub};
use crate::types::dims;
use tacita_program::NodeId;

pub(super) fn fold(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, rule)
}

/// Adds nodes whose names begin with the batch norm's.
struct Parts<'a> {
    graph: &'a mut Graph,
    name: &'a str,
}

impl Parts<'_> {
    fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId], part: &str) -> Result<NodeId, GraphError> {
        self.graph.add(op, inputs, &format!("{}.{part}", self.name))
    }

    fn clear(&self, id: NodeId) -> bool {
        self.graph.node(id).ty.visibility.is_clear()
    }

    /// A vector (c) as (c, 1, ..., 1) with `ones` axes of size 1.
    fn column(&mut self, x: NodeId, ones: usize, part: &str) -> Result<NodeId, GraphError> {
        let mut shape = self.graph.node(x).ty.shape.clone();
        shape.extend(dims(&vec![1; ones]));
        self.add(Reshape { shape }, &[x], part)
    }
}

fn rule(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<NodeId>, GraphError> {
    let node = r.old.node(id);
    let inputs = r.inputs(id);
    let (Op::BatchNorm(BatchNorm { epsilon }), &[x, scale, bias, mean, var]) = (&node.op, &inputs[..]) else {
        return Ok(None);
    };
    if node.ty.visibility.is_clear() {
        return Ok(None);
    }
    let alone = r.alone(id, 0);
    let mut parts = Parts { graph: &mut r.new, name: &node.name };
    let epsilon = parts.add(Constant { shape: Vec::new(), value: *epsilon }, &[], "epsilon")?;
    let var = parts.add(Add, &[var, epsilon], "variance")?;
    let inverse = if parts.clear(var) {
        let deviation = parts.add(Sqrt, &[var], "deviation")?;
        parts.add(Reciprocal, &[deviation], "inverse")?
    } else {
        parts.add(Rsqrt, &[var], "inverse")?
    };
    let scale = parts.add(Mul, &[scale, inverse], "scale")?;
    let centre = parts.add(Mul, &[mean, scale], "centre")?;
    let shift = parts.add(Sub, &[bias, centre], "shift")?;
    if alone
        && parts.clear(scale)
        && let Some(folded) = fold_into(&mut parts, x, scale, shift)?
    {
        return Ok(Some(folded));
    }
    let ones = node.ty.rank() - 2;
    let scale = parts.column(scale, ones, "scale.channels")?;
    let shift = parts.column(shift, ones, "shift.channels")?;
    let scaled = parts.add(Mul, &[x, scale], "scaled")?;
    r.new.add(Add, &[scaled, shift], &node.name).map(Some)
}

/// The operation that computes `x` with `scale` in its weights and `shift` in its bias. `x` must be a convolution or a
/// matrix product (with or without an added bias) whose weights are public or known to the owner of `scale`.
fn fold_into(
    parts: &mut Parts<'_>,
    x: NodeId,
    scale: NodeId,
    shift: NodeId,
) -> Result<Option<NodeId>, GraphError> {
    let name = parts.name.to_owned();
    let producer = parts.graph.node(x).clone();
    match (&producer.op, &producer.inputs[..]) {
        (Op::Conv(conv), &[x, w, ..]) => {
            let ones = parts.graph.node(w).ty.rank() - 1;
            let factor = parts.column(scale, ones, "scale.outputs")?;
            let weights = parts.add(Mul, &[w, factor], "weights")?;
            if !parts.clear(weights) {
                return Ok(None);
            }
            let bias = match producer.inputs.get(2) {
                Some(&bias) => {
                    let scaled = parts.add(Mul, &[bias, scale], "bias.scaled")?;
                    parts.add(Add, &[scaled, shift], "bias")?
                }
                None => shift,
            };
            let conv: Conv = conv.clone();
            parts.graph.add(conv, &[x, weights, bias], &name).map(Some)
        }
        (Op::MatMul(_), &[x, w]) => match fold_mat_mul(parts, x, w, scale)? {
            Some(product) => parts.graph.add(Add, &[product, shift], &name).map(Some),
            None => Ok(None),
        },
        (Op::Add(_), &[a, b]) => {
            let is_product = |id: NodeId| matches!(parts.graph.node(id).op, Op::MatMul(_));
            let (product, bias) = match (is_product(a), is_product(b)) {
                (true, _) => (a, b),
                (_, true) => (b, a),
                _ => return Ok(None),
            };
            // The product must have the sum's shape, or its scale would differ from the sum's.
            if parts.graph.node(product).ty.shape != producer.ty.shape || !parts.clear(bias) {
                return Ok(None);
            }
            let &[x, w] = &parts.graph.node(product).inputs[..] else { return Ok(None) };
            let Some(product) = fold_mat_mul(parts, x, w, scale)? else { return Ok(None) };
            let bias = parts.add(Mul, &[bias, scale], "bias.scaled")?;
            let bias = parts.add(Add, &[bias, shift], "bias")?;
            parts.graph.add(Add, &[product, bias], &name).map(Some)
        }
        _ => Ok(None),
    }
}

/// x (m, k) times w (k, n) with scaled columns, if the weights are clear.
fn fold_mat_mul(
    parts: &mut Parts<'_>,
    x: NodeId,
    w: NodeId,
    scale: NodeId,
) -> Result<Option<NodeId>, GraphError> {
    if parts.graph.node(x).ty.rank() != 2 || parts.graph.node(w).ty.rank() != 2 {
        return Ok(None);
    }
    let weights = parts.add(Mul, &[w, scale], "weights")?;
    if !parts.clear(weights) {
        return Ok(None);
    }
    parts.add(MatMul, &[x, weights], "product").map(Some)
}
