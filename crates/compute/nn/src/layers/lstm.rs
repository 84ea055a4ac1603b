use tacita_graph::ops::{Add, Mul, Sigmoid, Tanh};
use tacita_graph::{Graph, GraphError, NodeId, functions};

use super::recurrent::{Cell, Recurrent, State, States, recurrent};
use crate::layer::Layer;
use crate::net::Net;

/// A long short-term memory (Hochreiter and Schmidhuber 1997) along a sequence (n, steps, inputs): `weight_ih_l0`
/// (4 hidden, inputs), `weight_hh_l0` (4 hidden, hidden), `bias_ih_l0` and `bias_hh_l0` (4 hidden), whose parts are those of the
/// input's gate, the forgetting one, what is stored, and the output's gate; `weight_ih_l0_reverse` ..., `weight_ih_l1` ...
#[derive(Clone, Copy, Debug)]
pub struct Lstm {
    parts: Recurrent,
}

impl Lstm {
    /// One layer in one direction.
    pub fn new(inputs: usize, hidden: usize) -> Lstm {
        Lstm { parts: Recurrent::new(inputs, hidden) }
    }

    fn cell(&self) -> Cell {
        Cell { name: "lstm", gates: 4, holds: true, advance }
    }
}

/// c := σ(f) c + σ(i) tanh(g); h := σ(o) tanh(c).
fn advance(graph: &mut Graph, [x, own]: [NodeId; 2], state: State, name: &str) -> Result<State, GraphError> {
    let sum = graph.add(Add, &[x, own], name)?;
    let parts = functions::chunk(graph, sum, 4, -1, name)?;
    let [input, forget, stored, output] = parts[..] else { unreachable!("four times the state's size") };
    let [input, forget, output] = [input, forget, output].map(|gate| graph.add(Sigmoid, &[gate], name));
    let stored = graph.add(Tanh, &[stored], name)?;
    let stored = graph.add(Mul, &[input?, stored], name)?;
    let before = state.cell.unwrap_or(state.hidden);
    let kept = graph.add(Mul, &[forget?, before], name)?;
    let cell = graph.add(Add, &[kept, stored], name)?;
    let shown = graph.add(Tanh, &[cell], name)?;
    Ok(State { hidden: graph.add(Mul, &[output?, shown], name)?, cell: Some(cell) })
}

recurrent!(Lstm);
