//! The graph of one evaluation of a workspace: the part that its targets need, from inputs and from what is kept.
//!
//! Inputs without a name, draws and kept values are numbered anew, so that the same step of a loop has the same digest every
//! time: it is lowered, planned and described to the trusted dealer once.

use std::collections::BTreeSet;

use tacita_graph::{DType, Graph, Inputs, NodeId, Op, Role, Visibility};

use crate::error::Error;
use crate::workspace::State;

/// A graph to evaluate, and what becomes of the workspace once it is evaluated.
pub(crate) struct Step {
    pub graph: Graph,
    pub inputs: Inputs,
    /// Nodes of the workspace that are kept from then on, and under which names.
    pub kept: Vec<(NodeId, String)>,
}

/// A node to reveal, and the members that receive it.
pub(crate) type Target = (NodeId, Vec<String>);

impl Step {
    /// The evaluation that reveals these nodes and keeps, besides those of `keep`, what the program holds of what is computed
    /// on the way.
    ///
    /// Bits that are not drawn are kept only if asked: it is cheaper to compare again than to keep them.
    pub fn new(state: &State, reveal: &[Target], keep: &[NodeId], precision: u32) -> Result<Step, Error> {
        let count = state.graph.nodes().len();
        let targets = reveal.iter().map(|(id, _)| *id).chain(keep.iter().copied());
        let needed = state.needed(targets);
        let (mut graph, mut inputs) = (Graph::new(), Inputs::new());
        state.graph.owners().iter().for_each(|owner| {
            graph.owner(owner);
        });
        let mut numbers = (1..).map(|number| format!("input {number}"));
        let mut ids = vec![NodeId(u32::MAX); count];
        for id in state.graph.ids().filter(|id| needed[id.index()]) {
            let node = state.graph.node(id);
            ids[id.index()] = match (state.slots.get(&id), &node.op) {
                (Some(name), _) => {
                    graph.input_of(name, &node.ty.shape, Visibility::Secret, Role::Data, node.ty.dtype)?
                }
                (None, Op::Input(input)) => {
                    let name = match state.names.get(&id) {
                        Some(name) => name.clone(),
                        None => numbers
                            .find(|name| !state.names.values().any(|other| other == name))
                            .ok_or_else(|| Error::Internal("no number for an input".into()))?,
                    };
                    if let Some(value) = state.data.get(&id) {
                        inputs.insert(name.clone(), value.clone());
                    }
                    graph.add(input.clone(), &[], &name)?
                }
                (None, op) => {
                    let operands: Vec<NodeId> = node.inputs.iter().map(|input| ids[input.index()]).collect();
                    let op = op.clone().with_draw(graph.next_draw());
                    graph.add(op, &operands, &node.name)?
                }
            };
        }
        let kept = Step::choose(state, &graph, (&needed, &ids), keep, precision)?;
        let kept = Step::name(state, kept);
        for (id, name) in &kept {
            graph.keep(ids[id.index()], name)?;
        }
        for (number, (id, to)) in reveal.iter().enumerate() {
            let mut owners: Vec<_> = to.iter().map(|name| graph.owner(name)).collect();
            owners.sort_unstable();
            owners.dedup();
            let name = match number {
                0 => "result".to_owned(),
                _ => format!("result {}", number + 1),
            };
            graph.reveal(ids[id.index()], &owners, &name)?;
        }
        Ok(Step { graph, inputs, kept })
    }

    /// The nodes that are kept from this evaluation on.
    fn choose(
        state: &State,
        graph: &Graph,
        (needed, ids): (&[bool], &[NodeId]),
        keep: &[NodeId],
        precision: u32,
    ) -> Result<BTreeSet<NodeId>, Error> {
        let fracs = tacita_graph::fracs(graph, precision);
        let node = |id: NodeId| state.graph.node(id);
        let computed = |id: &NodeId| {
            let is_new = needed[id.index()] && !state.slots.contains_key(id);
            is_new && node(*id).ty.visibility == Visibility::Secret
        };
        // what is kept has the session's fractional bits
        let fits =
            |id: &NodeId| node(*id).ty.dtype != DType::Fixed || fracs[ids[id.index()].index()] == precision;
        for id in keep.iter().filter(|id| computed(id)) {
            if !fits(id) {
                let bits = fracs[ids[id.index()].index()];
                return Err(Error::Usage(format!(
                    "`{}` has {bits} fractional bits, and what is kept has the session's {precision}: keep it with_precision({precision})",
                    state.graph.label(*id)
                )));
            }
        }
        let live = state.live();
        let held = |id: &NodeId| live.contains(id) && node(*id).ty.dtype != DType::Bit && fits(id);
        let mut kept: BTreeSet<NodeId> =
            state.graph.ids().filter(computed).filter(|id| keep.contains(id) || held(id)).collect();
        // what is drawn now and used later must not be drawn again
        let later = state.reached(&kept);
        kept.extend(
            state.graph.ids().filter(|id| node(*id).op.draw().is_some() && later[id.index()] && computed(id)),
        );
        Ok(kept)
    }

    /// Gives each a name that nothing else has once this is evaluated: the lowest numbers.
    fn name(state: &State, kept: BTreeSet<NodeId>) -> Vec<(NodeId, String)> {
        let reached = state.reached(&kept);
        let taken = state.slots.iter().filter(|(id, _)| reached[id.index()]);
        let busy: BTreeSet<&str> = taken.map(|(_, name)| name.as_str()).collect();
        let names = (1..).map(|number| format!("kept {number}"));
        kept.into_iter().zip(names.filter(|name| !busy.contains(name.as_str()))).collect()
    }
}
