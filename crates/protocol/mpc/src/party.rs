//! A computing party in a session: its seeds, its opened weights, the phases of an evaluation.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tacita_correlations::{Provider, Share, Streams};
use tacita_net::{Endpoint, MemberId, Phase, Traffic};
use tacita_program::{RingId, RingOp, Visibility};

use crate::agreement::agree;
use crate::config::Config;
use crate::error::MpcError;
use crate::evaluation::{Evaluation, Slot, Stored};
use crate::executor::{Progress, execute};
use crate::form::LeafKey;
use crate::kept::{self, Kept, KeptValues};
use crate::leaves::{Leaves, leaf};
use crate::linear;
use crate::output::Revealed;
use crate::plan::{Plan, TaskKind};
use crate::primitives;
use crate::session::Membership;
use crate::task::TaskContext;
use crate::timeline::{Doing, Span};
use crate::weights::open_persistent;

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
    /// What it did when.
    pub timeline: Vec<Span>,
}

impl Outcome {
    /// Of a member that computes nothing.
    pub(crate) fn of_data_owner(plan: &Plan) -> Outcome {
        let tasks = plan.tasks.len();
        Outcome {
            revealed: BTreeMap::new(),
            times: Times::default(),
            task_seconds: vec![0.0; tasks],
            rounds: plan.rounds(),
            task_rounds: vec![(0, 0); tasks],
            traffic: Traffic::default(),
            timeline: vec![],
        }
    }

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
    kept: KeptValues,
    /// What was dealt ahead, if no dealer takes part.
    ahead: RefCell<Option<Box<dyn Provider>>>,
}

impl Party {
    /// Joins a session of so many computing parties, which are its first members, and a dealer after them. Data owners may
    /// follow.
    ///
    /// # Errors
    /// If a peer cannot be reached in time or the operating system gives no randomness.
    pub fn connect(endpoint: Endpoint, parties: usize, config: Config) -> Result<Party, MpcError> {
        Party::join(endpoint, parties, config, None)
    }

    /// As [`Party::connect`], with what a dealer dealt ahead who takes no part.
    ///
    /// # Errors
    /// As [`Party::connect`].
    pub fn connect_ahead(
        endpoint: Endpoint,
        parties: usize,
        config: Config,
        ahead: Box<dyn Provider>,
    ) -> Result<Party, MpcError> {
        Party::join(endpoint, parties, config, Some(ahead))
    }

    fn join(
        endpoint: Endpoint,
        parties: usize,
        config: Config,
        ahead: Option<Box<dyn Provider>>,
    ) -> Result<Party, MpcError> {
        let dealt = ahead.as_ref().map(|ahead| ahead.seed());
        let (member, streams, pairwise) = Membership::join(endpoint, parties, config, dealt)?;
        let (store, kept) = (BTreeMap::new(), KeptValues::new());
        Ok(Party { member, streams, pairwise, store, kept, ahead: RefCell::new(ahead) })
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
        let _span = self.member.span(number).entered();
        let outcome = self.attempt(number, plan, leaves, recipe, progress);
        self.member.conclude(outcome)
    }

    /// What evaluations kept in shares: this party's part.
    pub fn kept(&self) -> &KeptValues {
        &self.kept
    }

    /// Keeps values that were kept before, such as those of a checkpoint; all parties must do the same. What is kept under
    /// the same names goes.
    pub fn keep(&mut self, values: KeptValues) {
        self.kept.extend(values);
    }

    /// Drops values that were kept under these names, and what this party holds of these weights; all parties must do the same.
    ///
    /// # Security
    /// A weight's mask belongs to its value: the caller never uses the key of a dropped weight for another value.
    pub fn forget(&mut self, kept: &[String], weights: &[LeafKey]) {
        kept.iter().for_each(|name| {
            self.kept.remove(name);
        });
        weights.iter().for_each(|key| {
            self.store.remove(key);
        });
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
        let begun = Instant::now();
        let (endpoint, config, me) = (&self.member.endpoint, &self.member.config, self.member.me);
        endpoint.set_phase(Phase::Setup);
        config.hooks.at("setup", 0);
        self.member.fits(plan)?;
        let secret = kept::leaves(plan, &self.kept)?;
        let digest = agree(&self.member, number, plan, leaves, kept::digest(&secret), recipe)?;
        if let Some(ahead) = self.ahead.get_mut() {
            // nothing has been opened yet: from here on what was dealt is used up, also if this process ends
            ahead.begin(number, digest).map_err(MpcError::Correlations)?;
        }
        open_persistent(&self.member, &self.streams, &mut self.store, (plan, leaves, number))?;
        let setup = begun.elapsed();
        let mut timeline = vec![Span::since(begun, Doing::Setup)];

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
            kept: RefCell::default(),
            ahead: &self.ahead,
        };
        set_leaves(&eval, leaves)?;
        for (id, value) in secret {
            eval.set_share(id, Some(value.share.clone()));
        }

        let start = Instant::now();
        endpoint.set_phase(Phase::Offline);
        endpoint.set_place("corrections", 0);
        config.hooks.at("offline", 0);
        if !config.overlap {
            precede(&eval, &mut timeline)?;
        }
        let offline = start.elapsed();

        let start = Instant::now();
        endpoint.set_phase(Phase::Online);
        let run = execute(&eval, progress)?;
        timeline.extend(run.timeline);
        let online = start.elapsed().saturating_sub(run.waited);
        let times = Times { setup, offline: offline + run.waited, online };
        let (revealed, kept) = (eval.revealed.take(), eval.kept.take());
        for (id, share) in kept {
            let node = plan.node(id);
            let name = plan.name(node.origin).to_owned();
            let id = kept::id(&self.member.session, number, &name);
            self.kept.insert(name, Kept { id, frac: node.ty.frac(), share });
        }
        endpoint.set_phase(Phase::Setup);
        self.member.evaluated(run.rounds, begun);
        Ok(Outcome {
            revealed,
            times,
            task_seconds: run.task_seconds,
            rounds: run.rounds,
            task_rounds: run.task_rounds,
            traffic: endpoint.meter().reset(),
            timeline,
        })
    }
}

/// What a party does before its input is used: the parts of products that need none, while the dealer deals.
fn precede(eval: &Evaluation<'_>, timeline: &mut Vec<Span>) -> Result<(), MpcError> {
    let (plan, endpoint) = (eval.plan, eval.endpoint);
    for (t, task) in plan.tasks.iter().enumerate() {
        if task.kind == TaskKind::Run {
            let (ctx, begun) = (TaskContext::new(eval, t as u32), Instant::now());
            if let Some(part) = primitives::prepare(ctx, task.node)? {
                eval.prepared.borrow_mut().insert(t as u32, part);
                timeline.push(Span::since(begun, Doing::Prepare(task.node)));
            }
        }
    }
    if eval.ahead.borrow().is_none() {
        let expected = plan.corrections(eval.config.dealer_ahead as u64)[eval.me];
        let waited = endpoint.wait_buffered(eval.dealer(), expected as usize, eval.config.timeout);
        waited.map_err(|source| MpcError::Net { node: "corrections".into(), round: 0, source })?;
    }
    Ok(())
}

/// Puts this party's leaves and the public ones into their slots; others' private leaves are shares of zero.
fn set_leaves(eval: &Evaluation<'_>, leaves: &Leaves) -> Result<(), MpcError> {
    let plan = eval.plan;
    for (i, node) in plan.program.nodes.iter().enumerate() {
        let id = RingId(i as u32);
        match &node.op {
            RingOp::ConstantTensor { .. } => eval.set_public(id, linear::constant(node).map(Arc::new)),
            RingOp::Input { .. } if node.visibility == Visibility::Secret => {} // kept in shares
            RingOp::Input { .. } => match plan.owner(id) {
                Some(_) if plan.is_data_owners(id) => {} // the masked value is on the way
                Some(owner) if owner != eval.me => eval.set_share(id, None),
                Some(_) => eval.set_share(id, Some(Share::new(leaf(plan, leaves, id)?.clone()))),
                None => eval.set_public(id, Some(leaf(plan, leaves, id)?.clone())),
            },
            _ => {}
        }
    }
    Ok(())
}
