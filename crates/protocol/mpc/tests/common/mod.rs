//! A graph with its data, ready to run in a world.
#![allow(dead_code)] // each test file uses its part

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tacita_graph::{Graph, Inputs, Owner, encode_leaves, lower, optimize};
use tacita_mpc::TARGET;
use tacita_mpc::{Config, Dealt, Hooks, LeafKey, Leaves, Outcome, Plan, world};
use tacita_net::Frame;
use tacita_program::{RingId, RingOp, RingProgram, VerifiedProgram};

pub mod compare;

pub const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

pub struct Case {
    pub graph: Graph,
    pub program: Arc<VerifiedProgram>,
    pub plan: Arc<Plan>,
    pub parties: usize,
    /// Everybody but the dealer: the parties, then those who own data or receive results and compute nothing.
    pub names: Vec<&'static str>,
}

impl Case {
    pub fn new(graph: &Graph, parties: usize, precision: u32) -> Case {
        let parties = parties.max(graph.owners().len());
        Case::with_data_owners(graph, &NAMES[..parties], &[], precision)
    }

    pub fn with_data_owners(
        graph: &Graph,
        parties: &[&'static str],
        data_owners: &[&'static str],
        precision: u32,
    ) -> Case {
        let graph = optimize(graph).expect("a valid graph can be rewritten");
        let program = Arc::new(lower(&graph, precision, &TARGET).expect("the graph can be lowered"));
        let owned = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let plan =
            Plan::with_data_owners(program.clone(), &owned(parties), &owned(data_owners), keys(&program));
        let plan = Arc::new(plan.expect("owners are members"));
        Case { graph, program, plan, parties: parties.len(), names: [parties, data_owners].concat() }
    }

    pub fn owner(&self, member: usize) -> Option<Owner> {
        self.graph.owners().iter().position(|owner| owner == self.names[member]).map(|i| Owner(i as u16))
    }

    /// What each party knows, and what everybody does.
    pub fn leaves(&self, inputs: &Inputs) -> (Vec<Leaves>, Leaves) {
        let known = |viewer| -> Leaves {
            let leaves = encode_leaves(&self.graph, &self.program, viewer, inputs);
            leaves.expect("inputs are representable").into_iter().map(|(id, t)| (id, Arc::new(t))).collect()
        };
        ((0..self.names.len()).map(|member| known(self.owner(member))).collect(), known(None))
    }

    pub fn run(&self, inputs: &Inputs, config: &Config, times: usize) -> Vec<(Vec<Outcome>, Dealt)> {
        let (own, public) = self.leaves(inputs);
        world::run(&self.plan, &own, &public, config, times).expect("a run without faults")
    }
}

/// Every persistent leaf is a value of its own.
fn keys(program: &RingProgram) -> BTreeMap<RingId, LeafKey> {
    let persistent = |id: &RingId| matches!(program.node(*id).op, RingOp::Input { persistent: true });
    program.ids().filter(persistent).map(|id| (id, *blake3::hash(&id.0.to_le_bytes()).as_bytes())).collect()
}

pub fn fixed_seed(seed: u64) -> [u8; 32] {
    *blake3::hash(&seed.to_le_bytes()).as_bytes()
}

/// A frame as it was sent: sender, receiver, frame.
pub type Sent = (usize, usize, Frame);

/// A configuration that records what is sent, in the order of each sender.
pub fn recording(hooks: Hooks) -> (Config, Arc<Mutex<Vec<Sent>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let sink = sent.clone();
    let tap = Arc::new(move |from: usize, to: usize, frame: &Frame| {
        sink.lock().unwrap().push((from, to, frame.clone()));
    });
    (Config { hooks: Hooks { tap: Some(tap), ..hooks }, ..Config::default() }, sent)
}
