//! Helpers for rules that recognise spelled-out operations.

use crate::graph::Graph;
use crate::ops::{Constant, Op};
use tacita_program::NodeId;

/// The largest number of factors in a product that rules consider.
const MOST: usize = 8;

/// A public number.
pub(super) fn constant(graph: &Graph, id: NodeId) -> Option<f64> {
    match graph.node(id).op {
        Op::Constant(Constant { value, .. }) => Some(value),
        _ => None,
    }
}

/// Whether a number equals the expected one up to the rounding of f32, the type in files.
pub(super) fn near(found: f64, meant: f64) -> bool {
    (found - meant).abs() <= 1e-6 * meant.abs()
}

/// The two inputs in both orders.
pub(super) fn both_ways(inputs: &[NodeId]) -> Vec<[NodeId; 2]> {
    match *inputs {
        [a, b] => vec![[a, b], [b, a]],
        _ => Vec::new(),
    }
}

/// The other operand of a sum with a public number, and the number.
pub(super) fn shifted(graph: &Graph, sum: NodeId) -> Option<(NodeId, f64)> {
    let node = graph.node(sum);
    let ways = if matches!(node.op, Op::Add(_)) { both_ways(&node.inputs) } else { Vec::new() };
    ways.into_iter().find_map(|[x, number]| Some((x, constant(graph, number)?)))
}

/// Splits a product into a public number and its other factors. Descends through products and quotients by public
/// numbers, but not into `whole`. `None` if there are too many factors.
pub(super) fn factors(graph: &Graph, product: NodeId, whole: Option<NodeId>) -> Option<(f64, Vec<NodeId>)> {
    let (mut number, mut found, mut open) = (1.0, Vec::new(), vec![product]);
    while let Some(id) = open.pop() {
        let node = graph.node(id);
        match (&node.op, &node.inputs[..]) {
            _ if Some(id) == whole => found.push(id),
            (Op::Constant(Constant { value, .. }), _) => number *= value,
            (Op::Mul(_), inputs) => open.extend(inputs),
            (Op::Div(_), &[x, divisor]) if constant(graph, divisor).is_some_and(|divisor| divisor != 0.0) => {
                number /= constant(graph, divisor)?;
                open.push(x);
            }
            _ => found.push(id),
        }
        if open.len() + found.len() > MOST {
            return None;
        }
    }
    Some((number, found))
}
