//! Numbers that everybody knows.

use tacita_graph::ops::{Constant, Mul};
use tacita_graph::{Graph, GraphError, NodeId};

/// A public number.
pub(crate) fn number(graph: &mut Graph, value: f64) -> Result<NodeId, GraphError> {
    graph.add(Constant { shape: vec![], value }, &[], "")
}

/// x times a public number.
pub(crate) fn times(graph: &mut Graph, x: NodeId, factor: f64) -> Result<NodeId, GraphError> {
    if factor == 1.0 {
        return Ok(x);
    }
    let factor = number(graph, factor)?;
    graph.add(Mul, &[x, factor], "")
}

/// x to the power n by squaring: alike on every machine.
pub(crate) fn power(mut x: f64, mut n: u64) -> f64 {
    let mut power = 1.0;
    while n > 0 {
        if n % 2 == 1 {
            power *= x;
        }
        x *= x;
        n /= 2;
    }
    power
}
