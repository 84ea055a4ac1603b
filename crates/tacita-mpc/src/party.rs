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
use crate::session::{agree, announce, handshake};
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

/// A computing party in a session.
///
/// # Security
/// Semi-honest: it follows the protocol, and so do the others. Any error poisons it; an evaluation's number is never
/// used twice.
pub struct Party {
    endpoint: Endpoint,
    config: Config,
    me: usize,
    parties: usize,
    streams: Streams,
    pairwise: Streams,
    store: BTreeMap<LeafKey, Stored>,
    evaluations: u64,
    session: [u8; 32],
    poisoned: Option<String>,
}

impl Party {
    /// Joins a session whose last member is the dealer and whose other members all compute.
    ///
    /// # Errors
    /// If a peer cannot be reached in time or the operating system gives no randomness.
    pub fn connect(endpoint: Endpoint, config: Config) -> Result<Party, MpcError> {
        let parties = endpoint.members().count();
        let me = endpoint.id().0 as usize;
        let mut shaken = handshake(&endpoint, &config)?;
        let mut seeds: Vec<_> = (0..parties).map(|_| None).collect();
        seeds[me] = shaken.seeds[parties].take();
        let streams = Streams::new(seeds, config.hooks.overrides.clone());
        let pairwise = Streams::new(shaken.seeds, None);
        Ok(Party {
            endpoint,
            config,
            me,
            parties,
            streams,
            pairwise,
            store: BTreeMap::new(),
            evaluations: 0,
            session: shaken.session,
            poisoned: None,
        })
    }

    /// As [`Party::connect`]; then lets a test send what a party never would.
    #[doc(hidden)]
    pub fn connect_then(
        endpoint: Endpoint,
        config: Config,
        misbehave: impl FnOnce(&Endpoint),
    ) -> Result<Party, MpcError> {
        let party = Party::connect(endpoint, config)?;
        misbehave(&party.endpoint);
        Ok(party)
    }

    /// This party's index.
    pub fn index(&self) -> usize {
        self.me
    }

    /// The session's id: a hash of every member's nonce.
    pub fn session_id(&self) -> [u8; 32] {
        self.session
    }

    /// Evaluates a plan with the other parties, who do the same at the same time, and the dealer.
    ///
    /// `leaves` holds the public leaves and this party's own.
    ///
    /// # Errors
    /// Any error is sent to the others as an abort and poisons this party.
    pub fn evaluate(
        &mut self,
        plan: &Plan,
        leaves: &Leaves,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, MpcError> {
        if let Some(cause) = &self.poisoned {
            return Err(MpcError::Poisoned { cause: cause.clone() });
        }
        self.evaluations += 1;
        let outcome = self.attempt(plan, leaves, progress);
        if let Err(error) = &outcome {
            let round = match error {
                MpcError::Net { round, .. } => *round,
                _ => 0,
            };
            self.endpoint.abort(&error.to_string(), 0, round);
            self.poisoned = Some(error.to_string());
        }
        outcome
    }

    /// Leaves the session: tells the others why, and refuses any further evaluation.
    pub fn abort(&mut self, cause: &str) {
        self.endpoint.abort(cause, 0, 0);
        self.poisoned.get_or_insert_with(|| cause.to_owned());
    }

    fn attempt(
        &mut self,
        plan: &Plan,
        leaves: &Leaves,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, MpcError> {
        let number = self.evaluations;
        let start = Instant::now();
        self.endpoint.set_phase(Phase::Setup);
        let fail = |source| MpcError::Net { node: "agreement".into(), round: 0, source };
        if plan.parties() != self.parties {
            let reason = format!("a plan for {} parties in a session of {}", plan.parties(), self.parties);
            return Err(MpcError::Internal(reason));
        }
        let peers: Vec<MemberId> = self.endpoint.members().collect();
        announce(&self.endpoint, &peers, number, plan.digest()).map_err(fail)?;
        for &peer in peers.iter().filter(|peer| (peer.0 as usize) < self.parties) {
            agree(&self.endpoint, peer, number, plan.digest(), self.config.timeout)?;
        }
        self.open_persistent(plan, leaves, number)?;
        let setup = start.elapsed();

        let eval = Evaluation {
            plan,
            config: &self.config,
            me: self.me,
            number,
            endpoint: &self.endpoint,
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
        self.endpoint.set_phase(Phase::Offline);
        for (t, task) in plan.tasks.iter().enumerate() {
            if task.kind == TaskKind::Run {
                let ctx = TaskContext { eval: &eval, task: t as u32 };
                if let Some(part) = primitives::prepare(ctx, task.node)? {
                    eval.prepared.borrow_mut().insert(t as u32, part);
                }
            }
        }
        let (_, ahead) = plan.corrections(self.config.dealer_ahead as u64)[self.me];
        self.endpoint.wait_buffered(eval.dealer(), ahead as usize, self.config.timeout).map_err(fail)?;
        let offline = start.elapsed();

        let start = Instant::now();
        self.endpoint.set_phase(Phase::Online);
        let run = execute(&eval, progress)?;
        let online = start.elapsed().saturating_sub(run.waited);
        let times = Times { setup, offline: offline + run.waited, online };
        let revealed = eval.revealed.take();
        self.endpoint.set_phase(Phase::Setup);
        Ok(Outcome {
            revealed,
            times,
            task_seconds: run.task_seconds,
            rounds: run.rounds,
            task_rounds: run.task_rounds,
            traffic: self.endpoint.meter().reset(),
        })
    }

    /// Opens the weights that this session has not opened yet, each under the owner's mask.
    fn open_persistent(&mut self, plan: &Plan, leaves: &Leaves, number: u64) -> Result<(), MpcError> {
        let all: Vec<RingId> = plan.persistent().collect();
        let new: Vec<(u32, RingId)> = (PERSISTENT..)
            .zip(all)
            .filter(|(_, id)| !plan.keys.get(id).is_some_and(|key| self.store.contains_key(key)))
            .collect();
        let fail = |id: RingId| {
            let node = plan.name(plan.node(id).origin).to_owned();
            move |source| MpcError::Net { node, round: 0, source }
        };
        for &(task, id) in new.iter().filter(|(_, id)| plan.owner(*id) == Some(self.me)) {
            let value = leaves.get(&id).ok_or_else(|| missing_leaf(plan, id, self.me))?;
            let mut hat = value.data().to_vec();
            let key = key(plan, id)?;
            self.streams.apply(self.me, StreamId::Persistent(key), 0, &mut hat, Combine::Add)?;
            let hat = Arc::new(hat);
            for peer in (0..self.parties).filter(|&peer| peer != self.me) {
                let frame = Frame::new(number, task, 0, FrameKind::Opening, Payload::from(hat.clone()));
                self.config.hooks.sent(self.me, peer, &frame);
                self.endpoint.post(MemberId(peer as u16), frame).map_err(fail(id))?;
            }
            let hat = Arc::new(RingTensor::new(plan.node(id).shape.clone(), hat.to_vec()));
            self.store.insert(key, Stored { hat, value: Some(value.clone()) });
        }
        for &(task, id) in &new {
            let node = plan.node(id);
            let Some(owner) = plan.owner(id).filter(|&owner| owner != self.me) else { continue };
            let length = primitives::words(node) as u64 * 8;
            let header = FrameHeader { evaluation: number, task, step: 0, kind: FrameKind::Opening, length };
            let frame = self.endpoint.expect(MemberId(owner as u16), header, self.config.timeout);
            let words = frame.map_err(fail(id))?.payload.into_words();
            let hat = Arc::new(RingTensor::new(node.shape.clone(), words));
            self.store.insert(key(plan, id)?, Stored { hat, value: None });
        }
        Ok(())
    }
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
