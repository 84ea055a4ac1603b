use tacita_graph::ops::{Add, Relu, Tanh};
use tacita_graph::{Graph, GraphError, NodeId, Op};

use super::recurrent::{Advance, Cell, Recurrent, State, States, recurrent};
use crate::layer::Layer;
use crate::net::Net;

/// h := tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh) along a sequence (n, steps, inputs): `weight_ih_l0` (hidden, inputs),
/// `weight_hh_l0` (hidden, hidden), `bias_ih_l0` and `bias_hh_l0` (hidden), `weight_ih_l0_reverse` ..., `weight_ih_l1` ...
#[derive(Clone, Copy, Debug)]
pub struct Rnn {
    parts: Recurrent,
    relu: bool,
}

impl Rnn {
    /// One layer in one direction.
    pub fn new(inputs: usize, hidden: usize) -> Rnn {
        Rnn { parts: Recurrent::new(inputs, hidden), relu: false }
    }

    /// With max(x, 0) instead of tanh.
    #[must_use]
    pub fn with_relu(mut self) -> Rnn {
        self.relu = true;
        self
    }

    fn cell(&self) -> Cell {
        let advance: Advance = match self.relu {
            false => |graph, sums, _, name| activated(graph, Tanh, sums, name),
            true => |graph, sums, _, name| activated(graph, Relu, sums, name),
        };
        Cell { name: "rnn", gates: 1, holds: false, advance }
    }
}

fn activated(
    graph: &mut Graph,
    activation: impl Into<Op>,
    sums: [NodeId; 2],
    name: &str,
) -> Result<State, GraphError> {
    let sum = graph.add(Add, &sums, name)?;
    Ok(State { hidden: graph.add(activation, &[sum], name)?, cell: None })
}

recurrent!(Rnn);
