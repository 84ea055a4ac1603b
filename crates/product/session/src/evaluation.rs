//! The result of an evaluation: what was revealed, and what it cost.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};
use tacita_graph::{DType, NodeId, Value};
use tacita_mpc::{Cost, NodeCost, NodeMeasure, Outcome, Revealed, Times};
use tacita_program::RingOp;

use crate::error::Error;
use crate::local_members::Finished;
use crate::members::Members;
use crate::prepared::Prepared;

/// The results and costs of one evaluation.
pub struct Evaluation {
    /// By reveal node: the value as each receiver of this process got it, in the order of the node's owners. Fixed-point numbers are
    /// f64, integers i64 and exact, bits bool.
    pub revealed: BTreeMap<NodeId, Vec<(String, Value)>>,
    /// Wall times, of the slowest member of this process.
    pub times: Times,
    /// Rounds and bytes as the meters counted them; what members on other machines sent is as the plan says.
    pub cost: Cost,
    /// By node of the prepared graph.
    pub nodes: Vec<NodeMeasure>,
    /// Bytes that members of this process sent online on links between them, framing and encryption included.
    pub wire_bytes: u64,
    /// The timeline of each member in this process, by name.
    pub timeline: Vec<(String, Vec<tacita_mpc::Span>)>,
    /// Seconds that the dealer took to deal, waits for slow receivers included; 0 if it is elsewhere.
    pub dealer_seconds: f64,
}

/// Collects the members' reports, by reveal.
pub(crate) fn collect(
    prepared: &Prepared,
    members: &Members,
    finished: Finished,
) -> Result<Evaluation, Error> {
    let program = prepared.plan.program();
    let mut revealed = BTreeMap::new();
    let names = prepared.graph.owners();
    for id in program.reveals() {
        let node = program.node(id);
        let RingOp::Reveal { to } = &node.op else { continue };
        let value = program.node(node.inputs[0]);
        let mut values = Vec::new();
        for owner in to {
            let name = &names[owner.0 as usize];
            let index = members.index(name).ok_or_else(|| Error::Usage(format!("no member {name}")))?;
            let Some(outcome) = finished.outcomes.get(&index) else { continue };
            let dtype = prepared.graph.node(node.origin).ty.dtype;
            let words = match outcome.revealed.get(&id) {
                Some(Revealed::Ring(tensor)) => tensor.data().into(),
                Some(Revealed::Bits(bits)) => Cow::from(bits.to_ring(0)),
                None => return Err(Error::Internal(format!("{name} was to receive a value and did not"))),
            };
            let shaped = match dtype {
                DType::Fixed => {
                    let numbers = tacita_ring::decode(&words, value.ty.frac());
                    ArrayD::from_shape_vec(IxDyn(&value.shape), numbers).map(Value::from)
                }
                DType::Int => {
                    let integers = words.iter().map(|&word| word as i64).collect();
                    ArrayD::from_shape_vec(IxDyn(&value.shape), integers).map(Value::from)
                }
                DType::Bit => {
                    let bits = words.iter().map(|&word| word & 1 == 1).collect();
                    ArrayD::from_shape_vec(IxDyn(&value.shape), bits).map(Value::from)
                }
            };
            values.push((name.clone(), shaped.map_err(|e| Error::Internal(e.to_string()))?));
        }
        revealed.insert(node.origin, values);
    }
    let (cost, nodes) = measure(prepared, &finished);
    // of one member, as the slowest in each of two phases may be two, and their sum longer than it took
    let all = finished.outcomes.values().map(|outcome| outcome.times);
    let setup = all.clone().map(|times| times.setup).max().unwrap_or_default();
    let slowest = all.max_by_key(|times| times.offline + times.online);
    let Times { offline, online, .. } = slowest.unwrap_or_default();
    let times = Times { setup, offline, online };
    let wire_bytes =
        finished.outcomes.values().map(|o| o.traffic.in_phase(tacita_net::Phase::Online).sent.wire).sum();
    let dealer_seconds = finished.dealt.as_ref().map_or(0.0, |dealt| dealt.time.as_secs_f64());
    let named =
        |(index, outcome): (usize, Outcome)| (members.name(index).unwrap_or("").to_owned(), outcome.timeline);
    let mut timeline: Vec<_> = finished.outcomes.into_iter().map(named).collect();
    timeline.extend(finished.dealt.map(|dealt| ("dealer".to_owned(), dealt.timeline)));
    Ok(Evaluation { revealed, times, cost, nodes, wire_bytes, timeline, dealer_seconds })
}

/// The costs that the members here measured. Costs of members elsewhere come from the plan, which measurements equal.
fn measure(prepared: &Prepared, finished: &Finished) -> (Cost, Vec<NodeMeasure>) {
    let outcomes: Vec<&Outcome> = finished.outcomes.values().collect();
    match &finished.dealt {
        Some(dealt) => tacita_mpc::measure(&prepared.plan, &outcomes, dealt),
        None => {
            let mut cost = prepared.plan.cost();
            cost.rounds = outcomes.iter().map(|outcome| outcome.rounds()).max().unwrap_or(0);
            let seconds = prepared.plan.seconds(&outcomes);
            let measured = |cost: &NodeCost| NodeMeasure {
                seconds: seconds.get(&cost.node).copied().unwrap_or(0.0),
                cost: cost.clone(),
            };
            let nodes = cost.nodes.iter().map(measured).collect();
            (cost, nodes)
        }
    }
}
