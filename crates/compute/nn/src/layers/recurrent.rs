//! What recurrent layers have in common: a cell goes along a sequence, layer by layer, maybe in both directions.

use tacita_graph::ops::Constant;
use tacita_graph::{Graph, GraphError, InferError, NodeId, functions};

use super::Dropout;
use super::linear::affine;
use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;

/// What a recurrent layer gives.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    /// What the last layer says after each step: (n, steps, directions · hidden).
    pub sequence: NodeId,
    /// What each layer says at its end, the backward direction after the forward one: (n, hidden) each.
    pub hidden: Vec<NodeId>,
    /// What an LSTM's cells hold at their end, as `hidden`; of others nothing.
    pub cells: Vec<NodeId>,
}

/// What a cell says, and what it holds besides if it does.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) hidden: NodeId,
    pub(super) cell: Option<NodeId>,
}

/// The state after a step, from x W_ihᵀ + b_ih, h W_hhᵀ + b_hh and the state before it; nodes get the name.
pub(super) type Advance = fn(&mut Graph, [NodeId; 2], State, &str) -> Result<State, GraphError>;

/// What differs among cells.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    /// What it is called in errors.
    pub(super) name: &'static str,
    /// How many parts, each as long as the state, the rows of the weights have.
    pub(super) gates: usize,
    /// Whether it holds something besides what it says.
    pub(super) holds: bool,
    pub(super) advance: Advance,
}

/// A recurrent layer but for its cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recurrent {
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    pub(super) layers: usize,
    pub(super) both: bool,
    pub(super) bias: bool,
    pub(super) dropout: f64,
    pub(super) last: bool,
}

impl Recurrent {
    pub(super) fn new(inputs: usize, hidden: usize) -> Recurrent {
        Recurrent { inputs, hidden, layers: 1, both: false, bias: true, dropout: 0.0, last: false }
    }

    fn directions(&self) -> usize {
        if self.both { 2 } else { 1 }
    }

    pub(super) fn forward(&self, net: &mut Net<'_>, x: NodeId, cell: Cell) -> Result<NodeId, GraphError> {
        let states = self.states(net, x, cell)?;
        if !self.last {
            return Ok(states.sequence);
        }
        let name = net.name(cell.name);
        let last = &states.hidden[states.hidden.len() - self.directions()..];
        if let [one] = last { Ok(*one) } else { functions::concat(net.graph(), last, -1, &name) }
    }

    pub(super) fn states(&self, net: &mut Net<'_>, x: NodeId, cell: Cell) -> Result<States, GraphError> {
        let shape = net.graph().node(x).ty.shape.clone();
        let name = net.name(cell.name);
        let &[rows, steps, _] = shape.as_slice() else {
            let reason = "a sequence is of samples, steps and features".into();
            let source = InferError::Shape { shape, reason };
            return Err(GraphError::Invalid { node: name, op: cell.name, source });
        };
        let mut states = States { sequence: x, hidden: Vec::new(), cells: Vec::new() };
        for layer in 0..self.layers {
            let mut below = states.sequence;
            let inputs = if layer == 0 { self.inputs } else { self.directions() * self.hidden };
            if layer > 0 && self.dropout > 0.0 {
                below = Dropout(self.dropout).forward(net, below)?;
            }
            let mut directions = Vec::new();
            for backward in [false, true].into_iter().take(self.directions()) {
                let suffix = format!("l{layer}{}", if backward { "_reverse" } else { "" });
                let weights = self.weights(net, inputs, cell.gates, &suffix)?;
                let (sequence, end) =
                    self.along(net.graph(), below, (rows, steps), weights, backward, cell, &name)?;
                directions.push(sequence);
                states.hidden.push(end.hidden);
                states.cells.extend(end.cell);
            }
            states.sequence = match directions[..] {
                [one] => one,
                _ => functions::concat(net.graph(), &directions, -1, &name)?,
            };
        }
        Ok(states)
    }

    /// The weights of x and of the state, with their biases.
    fn weights(
        &self,
        net: &mut Net<'_>,
        inputs: usize,
        gates: usize,
        suffix: &str,
    ) -> Result<[(NodeId, Option<NodeId>); 2], GraphError> {
        let (rows, init) = (gates * self.hidden, Init::fan_in(self.hidden));
        let x = net.parameter(&format!("weight_ih_{suffix}"), &[rows, inputs], init)?;
        let h = net.parameter(&format!("weight_hh_{suffix}"), &[rows, self.hidden], init)?;
        if !self.bias {
            return Ok([(x, None), (h, None)]);
        }
        let of_x = net.parameter(&format!("bias_ih_{suffix}"), &[rows], init)?;
        let of_h = net.parameter(&format!("bias_hh_{suffix}"), &[rows], init)?;
        Ok([(x, Some(of_x)), (h, Some(of_h))])
    }

    /// One direction of one layer: what it says after each step, in the order of the sequence, and its state at the end.
    #[allow(clippy::too_many_arguments)] // all of one sequence
    fn along(
        &self,
        graph: &mut Graph,
        x: NodeId,
        (rows, steps): (usize, usize),
        [of_x, of_h]: [(NodeId, Option<NodeId>); 2],
        backward: bool,
        cell: Cell,
        name: &str,
    ) -> Result<(NodeId, State), GraphError> {
        // one product for all steps
        let inputs = affine(graph, x, of_x.0, of_x.1, name)?;
        let zeros = Constant { shape: vec![rows, self.hidden], value: 0.0 };
        let zeros = graph.add(zeros, &[], "")?;
        let mut state = State { hidden: zeros, cell: cell.holds.then_some(zeros) };
        let mut said = Vec::new();
        for at in 0..steps {
            let at = if backward { steps - 1 - at } else { at };
            let input = functions::narrow(graph, inputs, 1, at, 1, name)?;
            let input = functions::squeeze(graph, input, Some(&[1]), name)?;
            let own = affine(graph, state.hidden, of_h.0, of_h.1, name)?;
            state = (cell.advance)(graph, [input, own], state, name)?;
            said.push(state.hidden);
        }
        if backward {
            said.reverse();
        }
        Ok((functions::stack(graph, &said, 1, name)?, state))
    }
}

/// The builders and the layer of a struct with `parts: Recurrent` and a method `cell`.
macro_rules! recurrent {
    ($name:ident) => {
        impl $name {
            /// With several layers, each over what the one before it says.
            ///
            /// # Panics
            /// If there are none.
            #[must_use]
            pub fn with_layers(mut self, layers: usize) -> Self {
                assert!(layers > 0, "a recurrent layer of no layers");
                self.parts.layers = layers;
                self
            }

            /// From both ends of the sequence, what is said from the last step on after the other.
            #[must_use]
            pub fn bidirectional(mut self) -> Self {
                self.parts.both = true;
                self
            }

            /// Without biases.
            #[must_use]
            pub fn without_bias(mut self) -> Self {
                self.parts.bias = false;
                self
            }

            /// With this dropout between layers.
            #[must_use]
            pub fn with_dropout(mut self, probability: f64) -> Self {
                self.parts.dropout = probability;
                self
            }

            /// As a layer gives not the sequence but what the last layer says at its end: (n, directions · hidden).
            #[must_use]
            pub fn last(mut self) -> Self {
                self.parts.last = true;
                self
            }

            /// The sequence and what each layer ends with, from states of zeros.
            ///
            /// # Errors
            /// If x is not (n, steps, inputs).
            pub fn states(&self, net: &mut Net<'_>, x: NodeId) -> Result<States, GraphError> {
                self.parts.states(net, x, self.cell())
            }
        }

        impl Layer for $name {
            fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
                self.parts.forward(net, x, self.cell())
            }
        }
    };
}

pub(super) use recurrent;
