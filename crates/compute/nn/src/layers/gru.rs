use tacita_graph::ops::{Add, Mul, Sigmoid, Sub, Tanh};
use tacita_graph::{Graph, GraphError, NodeId, functions};

use super::recurrent::{Cell, Recurrent, State, States, recurrent};
use crate::layer::Layer;
use crate::net::Net;

/// A gated recurrent unit (Cho et al. 2014, in the form that takes the bias of the state inside the gate) along a sequence
/// (n, steps, inputs): `weight_ih_l0` (3 hidden, inputs), `weight_hh_l0` (3 hidden, hidden), `bias_ih_l0` and `bias_hh_l0`
/// (3 hidden), whose parts are those of the resetting gate, the updating one, and what is new; `weight_ih_l0_reverse` ...,
/// `weight_ih_l1` ...
#[derive(Clone, Copy, Debug)]
pub struct Gru {
    parts: Recurrent,
}

impl Gru {
    /// One layer in one direction.
    pub fn new(inputs: usize, hidden: usize) -> Gru {
        Gru { parts: Recurrent::new(inputs, hidden) }
    }

    fn cell(&self) -> Cell {
        Cell { name: "gru", gates: 3, holds: false, advance }
    }
}

/// With r = σ(x_r + h_r), z = σ(x_z + h_z) and m = tanh(x_m + r h_m): h := m + z (h - m).
fn advance(graph: &mut Graph, [x, own]: [NodeId; 2], state: State, name: &str) -> Result<State, GraphError> {
    let [x, own] = [x, own].map(|sums| functions::chunk(graph, sums, 3, -1, name));
    let (x, own) = (x?, own?);
    let mut gate = |at: usize| {
        let sum = graph.add(Add, &[x[at], own[at]], name)?;
        graph.add(Sigmoid, &[sum], name)
    };
    let (reset, update) = (gate(0)?, gate(1)?);
    let reset = graph.add(Mul, &[reset, own[2]], name)?;
    let new = graph.add(Add, &[x[2], reset], name)?;
    let new = graph.add(Tanh, &[new], name)?;
    let apart = graph.add(Sub, &[state.hidden, new], name)?;
    let kept = graph.add(Mul, &[update, apart], name)?;
    Ok(State { hidden: graph.add(Add, &[new, kept], name)?, cell: None })
}

recurrent!(Gru);
