//! A graph made ready for the members of a session.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tacita_graph::{Graph, Inputs, NodeId, Op, Owner, Visibility, encode_some_leaves};
use tacita_mpc::{LeafKey, Leaves, Plan};
use tacita_program::{RingId, RingOp, RingProgram};
use tacita_ring::RingTensor;

use crate::error::Error;
use crate::members::Members;

/// A graph ready to be evaluated by the members of a session, batch size fixed.
pub struct Prepared {
    pub(crate) graph: Graph,
    pub(crate) plan: Plan,
    /// Inputs that every evaluation needs, by node; of the others the owner keeps what it made of them.
    pub(crate) fresh: Vec<bool>,
    pub(crate) precision: u32,
}

impl Prepared {
    /// Lowers and plans a graph whose batch is known.
    pub fn new(graph: Graph, members: &Members, precision: u32) -> Result<Prepared, Error> {
        let program = Arc::new(tacita_graph::lower(&graph, precision, &tacita_mpc::TARGET)?);
        let keys = leaf_keys(&graph, &program);
        let fresh = fresh(&graph, &program);
        let plan = Plan::with_data_owners(program, &members.parties, &members.data_owners, keys)?;
        Ok(Prepared { graph, plan, fresh, precision })
    }

    /// The graph that is evaluated.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Its plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The leaves that live as long as a session, each with the parameters that it is computed from.
    pub(crate) fn weights(&self) -> impl Iterator<Item = (LeafKey, BTreeSet<String>)> {
        let graph = &self.graph;
        let parameters = |origin: NodeId| {
            let (mut found, mut ahead) = (BTreeSet::new(), vec![origin]);
            while let Some(id) = ahead.pop() {
                let node = graph.node(id);
                if let Op::Input(_) = node.op {
                    found.insert(node.name.clone());
                }
                ahead.extend(&node.inputs);
            }
            found
        };
        let program = self.plan.program();
        program.ids().filter_map(move |id| {
            let key = self.plan.leaf_key(id)?;
            Some((*key, parameters(program.node(id).origin)))
        })
    }

    /// The inputs whose values everybody knows.
    pub(crate) fn public_inputs(&self) -> impl Iterator<Item = &str> {
        let public = |id: &NodeId| self.graph.node(*id).ty.visibility == Visibility::Public;
        self.graph.inputs().into_iter().filter(public).map(|id| self.graph.node(id).name.as_str())
    }
}

/// Persistent leaves are identified by the computation that gives them, their scale and shape, so a batch of another size
/// finds them opened.
fn leaf_keys(graph: &Graph, program: &RingProgram) -> BTreeMap<RingId, LeafKey> {
    let digests = graph.node_digests();
    program
        .ids()
        .filter(|id| matches!(program.node(*id).op, RingOp::Input { persistent: true }))
        .map(|id| {
            let node = program.node(id);
            let mut hasher = blake3::Hasher::new_derive_key("tacita persistent leaf v1");
            hasher.update(&digests[node.origin.index()]);
            if let tacita_program::RingType::Ring { frac } = node.ty {
                hasher.update(&frac.to_le_bytes());
            }
            for &size in &node.shape {
                hasher.update(&(size as u64).to_le_bytes());
            }
            (id, *hasher.finalize().as_bytes())
        })
        .collect()
}

/// The nodes that leaves of a single evaluation are computed from.
fn fresh(graph: &Graph, program: &RingProgram) -> Vec<bool> {
    let mut fresh = vec![false; graph.nodes().len()];
    for leaf in program.nodes.iter().filter(|node| matches!(node.op, RingOp::Input { persistent: false })) {
        fresh[leaf.origin.index()] = true;
    }
    for id in graph.ids().rev().filter(|id| graph.node(*id).ty.visibility.is_clear()) {
        if fresh[id.index()] {
            graph.node(id).inputs.iter().for_each(|input| fresh[input.index()] = true);
        }
    }
    fresh
}

/// Weights that a member holds encoded.
pub(crate) type Weights = BTreeMap<LeafKey, Arc<RingTensor>>;

/// The leaves that a member knows, encoded, and which of them are weights that it has not held yet. Those of `weights` are not
/// encoded again. The numbers that they are made from go.
pub(crate) fn leaves(
    job: &Prepared,
    name: Option<&str>,
    inputs: Inputs,
    weights: &Weights,
) -> Result<(Leaves, Weights), Error> {
    let (graph, program) = (&job.graph, job.plan.program());
    let viewer = name.and_then(|name| graph.owners().iter().position(|owner| owner == name));
    let viewer = viewer.map(|index| Owner(index as u16));
    let known = |id: RingId| job.plan.leaf_key(id).and_then(|key| weights.get(key)).cloned();
    let mut leaves: Leaves = program.ids().filter_map(|id| Some((id, known(id)?))).collect();
    let fresh = encode_some_leaves(graph, program, viewer, &inputs, |id| !leaves.contains_key(&id))
        .map_err(|e| Error::Input(e.to_string()))?;
    let mut new = Weights::new();
    for (id, value) in fresh {
        let value = Arc::new(value);
        if let Some(key) = job.plan.leaf_key(id) {
            new.insert(*key, value.clone());
        }
        leaves.insert(id, value);
    }
    Ok((leaves, new))
}
