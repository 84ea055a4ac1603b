//! What a plan costs, before it runs, and what a run cost: the same figures.

use std::collections::BTreeMap;

use tacita_net::{MemberId, Phase, Traffic};
use tacita_program::{NodeId, RingId, RingOp};

use crate::dealer::Dealt;
use crate::party::Outcome;
use crate::plan::{PERSISTENT, Plan, TaskKind};
use crate::primitives::products;
use crate::values::is_product;

/// The cost of one graph node, of all tasks that it was lowered to.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeCost {
    /// The graph node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// The ring operations it was lowered to, without repetition.
    pub ops: Vec<&'static str>,
    /// Rounds from its first opening to its last; rounds of different nodes overlap.
    pub rounds: u32,
    /// Payload bytes that each party sends online.
    pub online_bytes: Vec<u64>,
    /// Payload bytes that the dealer sends.
    pub offline_bytes: u64,
}

/// The cost of a plan: what a run of it measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Rounds of the online phase.
    pub rounds: u32,
    /// Payload bytes that each party sends online.
    pub online_bytes: Vec<u64>,
    /// Payload bytes that the dealer sends.
    pub offline_bytes: u64,
    /// Payload bytes that each party sends once a session, to open its weights.
    pub setup_bytes: Vec<u64>,
    /// Payload bytes that each data owner sends: once a session, and online.
    pub data_owners: Vec<(u64, u64)>,
    /// By graph node, in order; nodes that cost nothing are left out.
    pub nodes: Vec<NodeCost>,
}

impl Plan {
    /// The `cost` evaluator: rounds and bytes from types alone.
    pub fn cost(&self) -> Cost {
        let parties = self.parties();
        let mut cost = Cost {
            rounds: self.rounds(),
            online_bytes: vec![0; parties],
            offline_bytes: 0,
            setup_bytes: vec![0; parties],
            data_owners: vec![(0, 0); self.data_owners.len()],
            nodes: vec![],
        };
        for id in self.persistent() {
            let bytes = crate::sizes::words(self.node(id)) as u64 * 8;
            match self.owner(id) {
                Some(owner) if owner > parties => {
                    cost.data_owners[owner - parties - 1].0 += bytes * parties as u64;
                }
                Some(owner) => cost.setup_bytes[owner] += bytes * (parties as u64 - 1),
                None => {}
            }
        }
        let mut nodes = self.rows();
        let mut spans = Spans::default();
        for task in &self.tasks {
            let Some(node) = nodes.get_mut(&self.node(task.node).origin) else { continue };
            for opening in &task.steps.openings {
                for party in 0..parties {
                    let bytes = opening.bytes_sent(party, parties);
                    node.online_bytes[party] += bytes;
                    cost.online_bytes[party] += bytes;
                }
                for (at, sent) in cost.data_owners.iter_mut().enumerate() {
                    sent.1 += opening.bytes_sent(parties + 1 + at, parties);
                }
            }
            node.offline_bytes += task.steps.dealt_bytes();
            cost.offline_bytes += task.steps.dealt_bytes();
            spans.add(node.node, task.start, task.start + task.steps.openings.len() as u32);
        }
        spans.write(&mut nodes);
        cost.nodes = nodes.into_values().filter(costs_something).collect();
        cost
    }

    /// Multiply-adds in matrix products and convolutions of two operands that are not public, of all parties and the dealer
    /// together: a party with a share of an operand, or of its mask, multiplies it by the other masked operand, and the dealer
    /// multiplies the masks; the owner of an operand does both in one.
    pub fn multiply_adds(&self) -> u64 {
        let of_node = |id: RingId| {
            let node = self.node(id);
            let second = &self.node(*node.inputs.get(1)?).shape;
            let terms = match &node.op {
                RingOp::MatMul => *second.get(second.len().checked_sub(2)?)?,
                RingOp::Conv { .. } => second.iter().skip(1).product(),
                _ => return None,
            };
            if !is_product(&self.program, node) {
                return None;
            }
            Some((products(self, node) * terms * node.shape.iter().product::<usize>()) as u64)
        };
        self.program.ids().filter_map(of_node).sum()
    }

    /// Seconds of computing online by graph node, of the slowest of these parties.
    pub fn seconds(&self, outcomes: &[&Outcome]) -> BTreeMap<NodeId, f64> {
        let mut seconds = BTreeMap::new();
        for (t, task) in self.tasks.iter().enumerate() {
            let slowest = outcomes.iter().map(|outcome| outcome.task_seconds[t]).fold(0.0, f64::max);
            *seconds.entry(self.node(task.node).origin).or_insert(0.0) += slowest;
        }
        seconds
    }

    /// A row for each graph node that has tasks, with nothing counted yet.
    fn rows(&self) -> BTreeMap<NodeId, NodeCost> {
        let mut rows = BTreeMap::new();
        for task in self.tasks.iter().filter(|task| task.kind == TaskKind::Run) {
            let ring = self.node(task.node);
            let row = rows.entry(ring.origin).or_insert_with(|| NodeCost {
                node: ring.origin,
                name: self.name(ring.origin).to_owned(),
                ops: vec![],
                rounds: 0,
                online_bytes: vec![0; self.parties()],
                offline_bytes: 0,
            });
            if !row.ops.contains(&ring.op.name()) {
                row.ops.push(ring.op.name());
            }
        }
        rows
    }

    /// Predicted seconds of communication where every directed link has this latency and rate. Computing is not in it.
    pub fn predict(&self, latency: f64, bits_per_second: f64) -> Predicted {
        let seconds = |bytes: u64| bytes as f64 * 8.0 / bits_per_second;
        let (parties, links) = (self.parties(), (self.parties() - 1).max(1) as u64);
        // by round: what each party has been dealt when its tasks start, and what the busiest link between members carries
        let rounds = self.rounds() as usize;
        let mut dealt = vec![vec![0; parties]; rounds + 1];
        let mut sent = vec![vec![0; parties + 1 + self.data_owners.len()]; rounds];
        for task in &self.tasks {
            let start = task.start as usize;
            dealt[start][task.receiver] += task.steps.dealt_bytes();
            for (opening, sent) in task.steps.openings.iter().zip(&mut sent[start..]) {
                for (member, sent) in sent.iter_mut().enumerate() {
                    *sent += opening.bytes_sent(member, parties);
                }
            }
        }
        let openings = |sent: &[u64]| {
            let of = |(member, bytes)| bytes / if member < parties { links } else { parties as u64 };
            seconds(sent.iter().copied().enumerate().map(of).max().unwrap_or(0)) + latency
        };
        let mut together = 0_f64;
        let mut arrived = vec![0; parties];
        for (round, dealt) in dealt.iter().enumerate() {
            for (arrived, dealt) in arrived.iter_mut().zip(dealt) {
                *arrived += dealt;
            }
            if let Some(&most) = arrived.iter().max().filter(|&&most| most > 0) {
                together = together.max(seconds(most) + latency);
            }
            together += sent.get(round).map_or(0.0, |sent| openings(sent));
        }
        let busiest = arrived.into_iter().max().unwrap_or(0);
        let offline = seconds(busiest) + latency;
        Predicted { offline, online: sent.iter().map(|sent| openings(sent)).sum(), together }
    }
}

/// Predicted seconds of communication.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted {
    /// What the dealer sends.
    pub offline: f64,
    /// Rounds and openings.
    pub online: f64,
    /// Both, if parties compute while the dealer deals ([`Config::overlap`](crate::Config::overlap)).
    pub together: f64,
}

/// From which round to which each node opens something.
#[derive(Default)]
struct Spans(BTreeMap<NodeId, (u32, u32)>);

impl Spans {
    /// Adds a task that ran from one round to another; one that opened nothing does not count.
    fn add(&mut self, node: NodeId, start: u32, end: u32) {
        if end > start {
            let (first, last) = self.0.entry(node).or_insert((start, end));
            (*first, *last) = ((*first).min(start), (*last).max(end));
        }
    }

    fn write(self, rows: &mut BTreeMap<NodeId, NodeCost>) {
        for (node, (first, last)) in self.0 {
            if let Some(row) = rows.get_mut(&node) {
                row.rounds = last - first;
            }
        }
    }
}

fn costs_something(node: &NodeCost) -> bool {
    node.rounds > 0 || node.offline_bytes > 0 || node.online_bytes.iter().any(|&bytes| bytes > 0)
}

/// What a run measured for one graph node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeMeasure {
    /// The node's cost, its bytes as the meters counted them, its rounds as the executors did.
    pub cost: NodeCost,
    /// Seconds of computing online at the slowest party.
    pub seconds: f64,
}

/// The cost that the members' meters and executors saw, to compare with [`Plan::cost`], and the time each node took.
/// `outcomes` are those of the parties and then of the data owners.
pub fn measure(plan: &Plan, outcomes: &[&Outcome], dealt: &Dealt) -> (Cost, Vec<NodeMeasure>) {
    let parties = plan.parties();
    let (outcomes, data_owners) = outcomes.split_at(parties.min(outcomes.len()));
    // what goes to the dealer is not of the protocol; results may go to data owners
    let is_counted = |peer: MemberId| peer.index() != parties;
    let sent = |traffic: &Traffic, phase: Phase| -> BTreeMap<u32, u64> {
        let mut by_task = BTreeMap::new();
        for ((peer, task, at), counts) in traffic.iter() {
            if at == phase && is_counted(peer) && counts.sent.messages > 0 {
                *by_task.entry(task).or_insert(0) += counts.sent.payload;
            }
        }
        by_task
    };
    let online: Vec<_> = outcomes.iter().map(|o| sent(&o.traffic, Phase::Online)).collect();
    let offline = sent(&dealt.traffic, Phase::Offline);
    let mut rows = plan.rows();
    let mut spans = Spans::default();
    for (t, task) in plan.tasks.iter().enumerate() {
        let origin = plan.node(task.node).origin;
        let Some(row) = rows.get_mut(&origin) else { continue };
        for (party, by_task) in online.iter().enumerate() {
            row.online_bytes[party] += by_task.get(&(t as u32)).copied().unwrap_or(0);
        }
        row.offline_bytes += offline.get(&(t as u32)).copied().unwrap_or(0);
        for outcome in outcomes {
            let (start, end) = outcome.task_rounds[t];
            spans.add(origin, start, end);
        }
    }
    spans.write(&mut rows);
    let persistent = |o: &&Outcome| {
        let counted = o.traffic.sum_where(|(peer, task, phase)| {
            phase == Phase::Setup && task >= PERSISTENT && peer < MemberId(parties as u16)
        });
        counted.sent.payload
    };
    let by_data_owner = |o: &&Outcome| (persistent(o), sent(&o.traffic, Phase::Online).values().sum::<u64>());
    let measured = Cost {
        rounds: outcomes.iter().map(|o| o.rounds).max().unwrap_or(0),
        online_bytes: online.iter().map(|by_task| by_task.values().sum()).collect(),
        offline_bytes: offline.values().sum(),
        setup_bytes: outcomes.iter().map(persistent).collect(),
        data_owners: data_owners.iter().map(by_data_owner).collect(),
        nodes: rows.values().filter(|row| costs_something(row)).cloned().collect(),
    };
    let seconds = plan.seconds(outcomes);
    let time = |row: &NodeCost| seconds.get(&row.node).copied().unwrap_or(0.0);
    let nodes = rows.into_values().map(|cost| NodeMeasure { seconds: time(&cost), cost }).collect();
    (measured, nodes)
}
