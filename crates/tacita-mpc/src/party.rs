//! A computing party in a session: its seeds, its opened weights, the phases of an evaluation.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tacita_graph::{RingId, RingOp};
use tacita_net::{Endpoint, Frame, FrameHeader, FrameKind, MemberId, Payload, Phase, Traffic};
use tacita_ring::RingTensor;

use crate::config::Config;
use crate::error::MpcError;
use crate::evaluation::{Evaluation, Slot, Stored};
use crate::executor::{Progress, execute};
use crate::linear;
use crate::plan::{LeafKey, PERSISTENT, Plan, TaskKind};
use crate::primitives::{self, Revealed};
use crate::session::{Membership, agree, agreed, announce};
use crate::streams::{Combine, StreamId, Streams};
use crate::task::TaskContext;

/// Values of leaves by ring node: a party's own and the public ones.
pub type Leaves = BTreeMap<RingId, Arc<RingTensor>>;

/// Wall times of one evaluation at one party.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// Weights masked and opened, once a session.
    pub setup: Duration,
    /// Before the input was used: products of masks and weights, corrections received; and every later wait for a
    /// correction.
    pub offline: Duration,
    /// From the input's first use to the reveal, waits for corrections excepted.
    pub online: Duration,
}

/// What an evaluation leaves at a party.
pub struct Outcome {
    /// What was revealed to this party, by reveal node.
    pub revealed: BTreeMap<RingId, Revealed>,
    /// Wall times.
    pub times: Times,
    /// Seconds of computing by task.
    pub(crate) task_seconds: Vec<f64>,
    /// Rounds that this party took part in.
    pub(crate) rounds: u32,
    /// Rounds completed when each task started and when it ended.
    pub(crate) task_rounds: Vec<(u32, u32)>,
    /// What this party sent and received.
    pub traffic: Traffic,
}

impl Outcome {
    /// Rounds that this party took part in.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }
}

/// A computing party in a session.
///
/// # Security
/// Semi-honest: it follows the protocol, and so do the others. Any error poisons it; an evaluation's number is never
/// used twice.
pub struct Party {
    member: Membership,
    streams: Streams,
    pairwise: Streams,
    store: BTreeMap<LeafKey, Stored>,
}

impl Party {
    /// Joins a session of so many computing parties, which are its first members, and a dealer after them.
    ///
    /// # Errors
    /// If a peer cannot be reached in time or the operating system gives no randomness.
    pub fn connect(endpoint: Endpoint, parties: usize, config: Config) -> Result<Party, MpcError> {
        let (member, mut shared) = Membership::join(endpoint, parties, config)?;
        let mut seeds: Vec<_> = (0..parties).map(|_| None).collect();
        seeds[member.me] = shared.get_mut(parties).and_then(Option::take);
        let streams = Streams::new(seeds, member.config.hooks.overrides.clone());
        Ok(Party { member, streams, pairwise: Streams::new(shared, None), store: BTreeMap::new() })
    }

    /// Lets a test send what a party never would.
    #[doc(hidden)]
    pub fn endpoint_for_tests(&self) -> &Endpoint {
        &self.member.endpoint
    }

    /// This party's index.
    pub fn index(&self) -> usize {
        self.member.me
    }

    /// The session's id: a hash of every member's nonce.
    pub fn session_id(&self) -> [u8; 32] {
        self.member.session
    }

    /// Evaluates a plan with the other parties, who do the same at the same time, and the dealer.
    ///
    /// `leaves` holds the public leaves and this party's own. `recipe` is for a dealer that has not the plan: what it can
    /// make the plan and the public leaves from. One party gives it, the first time or whenever it changes.
    ///
    /// # Errors
    /// Any error is sent to the others as an abort and poisons this party.
    pub fn evaluate(
        &mut self,
        plan: &Plan,
        leaves: &Leaves,
        recipe: Option<&[u8]>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, MpcError> {
        let number = self.member.begin()?;
        let outcome = self.attempt(number, plan, leaves, recipe, progress);
        self.member.conclude(outcome)
    }

    /// Leaves the session: tells the others why, and refuses any further evaluation.
    pub fn abort(&mut self, cause: &str) {
        self.member.abort(cause);
    }

    /// Sends a few bytes that all may know, at most 64 KiB, to all other parties, under a topic that all name, and receives
    /// theirs.
    ///
    /// # Errors
    /// As [`Party::evaluate`]; also if another party's message is about another topic.
    pub fn exchange(&mut self, topic: &str, bytes: &[u8]) -> Result<Vec<(MemberId, Vec<u8>)>, MpcError> {
        self.member.exchange(topic, bytes)
    }

    fn attempt(
        &mut self,
        number: u64,
        plan: &Plan,
        leaves: &Leaves,
        recipe: Option<&[u8]>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, MpcError> {
        let start = Instant::now();
        let (endpoint, config, me) = (&self.member.endpoint, &self.member.config, self.member.me);
        endpoint.set_phase(Phase::Setup);
        config.hooks.at("setup", 0);
        let fail = |source| MpcError::Net { node: "agreement".into(), round: 0, source };
        if plan.parties() != self.member.parties {
            let (planned, here) = (plan.parties(), self.member.parties);
            return Err(MpcError::Internal(format!("a plan for {planned} parties in a session of {here}")));
        }
        endpoint.set_place("agreement", 0);
        let digest = agreed(plan, leaves);
        let announced = announce(&self.member, number, digest, recipe);
        for peer in endpoint.members().filter(|peer| peer.index() < plan.parties()) {
            agree(endpoint, peer, number, digest, config.timeout)?;
        }
        // who has left because it disagrees has said what it wanted before: that is the better answer
        announced.map_err(fail)?;
        open_persistent(&self.member, &self.streams, &mut self.store, (plan, leaves, number))?;
        let setup = start.elapsed();

        let eval = Evaluation {
            plan,
            config,
            me,
            number,
            endpoint,
            streams: &self.streams,
            pairwise: &self.pairwise,
            store: &self.store,
            slots: RefCell::new((0..plan.program.nodes.len()).map(|_| Slot::default()).collect()),
            left: RefCell::new(plan.uses.clone()),
            pending: RefCell::default(),
            corrections: RefCell::default(),
            prepared: RefCell::default(),
            revealed: RefCell::default(),
        };
        set_leaves(&eval, leaves)?;

        let start = Instant::now();
        endpoint.set_phase(Phase::Offline);
        endpoint.set_place("corrections", 0);
        config.hooks.at("offline", 0);
        for (t, task) in plan.tasks.iter().enumerate() {
            if task.kind == TaskKind::Run {
                let ctx = TaskContext { eval: &eval, task: t as u32 };
                if let Some(part) = primitives::prepare(ctx, task.node)? {
                    eval.prepared.borrow_mut().insert(t as u32, part);
                }
            }
        }
        let (_, ahead) = plan.corrections(config.dealer_ahead as u64)[me];
        endpoint.wait_buffered(eval.dealer(), ahead as usize, config.timeout).map_err(fail)?;
        let offline = start.elapsed();

        let start = Instant::now();
        endpoint.set_phase(Phase::Online);
        let run = execute(&eval, progress)?;
        let online = start.elapsed().saturating_sub(run.waited);
        let times = Times { setup, offline: offline + run.waited, online };
        let revealed = eval.revealed.take();
        endpoint.set_phase(Phase::Setup);
        tracing::info!(session = self.member.short(), evaluation = number, rounds = run.rounds, "evaluated");
        Ok(Outcome {
            revealed,
            times,
            task_seconds: run.task_seconds,
            rounds: run.rounds,
            task_rounds: run.task_rounds,
            traffic: endpoint.meter().reset(),
        })
    }
}

/// Opens the weights that this session has not opened yet, each under the owner's mask.
fn open_persistent(
    member: &Membership,
    streams: &Streams,
    store: &mut BTreeMap<LeafKey, Stored>,
    (plan, leaves, number): (&Plan, &Leaves, u64),
) -> Result<(), MpcError> {
    let Membership { endpoint, config, me, parties, .. } = member;
    let (me, parties) = (*me, *parties);
    endpoint.set_place("weights", 0);
    let all: Vec<RingId> = plan.persistent().collect();
    let new: Vec<(u32, RingId)> = (PERSISTENT..)
        .zip(all)
        .filter(|(_, id)| !plan.keys.get(id).is_some_and(|key| store.contains_key(key)))
        .collect();
    let fail = |id: RingId| {
        let node = plan.name(plan.node(id).origin).to_owned();
        move |source| MpcError::Net { node, round: 0, source }
    };
    for &(task, id) in new.iter().filter(|(_, id)| plan.owner(*id) == Some(me)) {
        let value = leaves.get(&id).ok_or_else(|| missing_leaf(plan, id, me))?;
        let mut hat = value.data().to_vec();
        let key = key(plan, id)?;
        streams.apply(me, StreamId::Persistent(key), 0, &mut hat, Combine::Add)?;
        let hat = Arc::new(hat);
        for peer in (0..parties).filter(|&peer| peer != me) {
            let frame = Frame::new(number, task, 0, FrameKind::Opening, Payload::from(hat.clone()));
            config.hooks.sent(me, peer, &frame);
            endpoint.post(MemberId(peer as u16), frame).map_err(fail(id))?;
        }
        let hat = Arc::new(RingTensor::new(plan.node(id).shape.clone(), hat.to_vec()));
        store.insert(key, Stored { hat, value: Some(value.clone()) });
    }
    for &(task, id) in &new {
        let node = plan.node(id);
        let Some(owner) = plan.owner(id).filter(|&owner| owner != me) else { continue };
        let length = primitives::words(node) as u64 * 8;
        let header = FrameHeader { evaluation: number, task, step: 0, kind: FrameKind::Opening, length };
        let frame = endpoint.expect(MemberId(owner as u16), header, config.timeout);
        let words = frame.map_err(fail(id))?.payload.into_words();
        let hat = Arc::new(RingTensor::new(node.shape.clone(), words));
        store.insert(key(plan, id)?, Stored { hat, value: None });
    }
    Ok(())
}

fn key(plan: &Plan, id: RingId) -> Result<LeafKey, MpcError> {
    plan.keys.get(&id).copied().ok_or_else(|| MpcError::Internal(format!("leaf {} has no key", id.0)))
}

fn missing_leaf(plan: &Plan, id: RingId, party: usize) -> MpcError {
    let owner = match plan.owner(id) {
        Some(_) => plan.names[party].clone(),
        None => "everybody".to_owned(),
    };
    MpcError::MissingLeaf { node: plan.name(plan.node(id).origin).to_owned(), owner }
}

/// Puts this party's leaves and the public ones into their slots; others' private leaves are shares of zero.
fn set_leaves(eval: &Evaluation<'_>, leaves: &Leaves) -> Result<(), MpcError> {
    let plan = eval.plan;
    for (i, node) in plan.program.nodes.iter().enumerate() {
        let id = RingId(i as u32);
        match &node.op {
            RingOp::Constant { .. } | RingOp::ConstantTensor { .. } => {
                eval.set_leaf(id, true, linear::constant(node).map(Arc::new));
            }
            RingOp::Input { .. } => match plan.owner(id) {
                Some(owner) if owner != eval.me => eval.set_leaf(id, false, None),
                owner => {
                    let value = leaves.get(&id).ok_or_else(|| missing_leaf(plan, id, eval.me))?;
                    if value.shape() != node.shape {
                        let name = plan.name(node.origin);
                        let reason = format!("leaf `{name}` is {:?}, not {:?}", value.shape(), node.shape);
                        return Err(MpcError::Internal(reason));
                    }
                    eval.set_leaf(id, owner.is_none(), Some(value.clone()));
                }
            },
            _ => {}
        }
    }
    Ok(())
}
