//! A member that owns inputs or receives results and computes nothing.

use std::collections::BTreeSet;
use std::time::Instant;

use tacita_correlations::{MaskStreams, Outgoing, Provider, Share, Streams, narrow};
use tacita_net::{Endpoint, Frame, FrameHeader, FrameKind, MemberId, Payload, Phase};
use tacita_program::{RingId, RingOp, RingType, Visibility};
use tacita_ring::{BitTensor, RingTensor, Sign};

use crate::agreement::agree;
use crate::config::Config;
use crate::error::MpcError;
use crate::form::LeafKey;
use crate::leaves::{Leaves, leaf, missing_leaf};
use crate::linear::{constants, known};
use crate::output::Revealed;
use crate::party::{Outcome, Times};
use crate::plan::{PERSISTENT, Plan, TaskKind};
use crate::session::Membership;
use crate::sizes::{elements, item};
use crate::steps::Sender;

/// A member after the dealer, whose data enters or who receives results, and who holds no share.
///
/// It sends the parties each of its leaves x as x̂ = x + r, where r = Σ_i r_i and r_i is a stream that it shares with party
/// i and the dealer. Party 1 takes x̂ − r_1 as its share of x, party i takes −r_i: they have shares and the masked value at once,
/// and nothing is dealt for it. A weight is sent once a session.
///
/// # Security
/// Semi-honest. P − 1 parties see x̂ and all of r but the part of the last one, which is a uniform stream that they do not
/// know. The dealer knows r and does not see x̂, which goes over the owner's encrypted links to the parties. A data owner
/// that pools with parties adds what it knows anyway: its own input and mask, and the results that it receives. What it is
/// sent of a result is a fresh sharing of it, so it learns the result and nothing else.
pub struct DataOwner {
    member: Membership,
    streams: Streams,
    /// Weights that the parties have.
    sent: BTreeSet<LeafKey>,
    ahead: Option<Box<dyn Provider>>,
}

impl DataOwner {
    /// Joins a session in which so many parties compute.
    ///
    /// # Errors
    /// If a peer cannot be reached in time or the operating system gives no randomness.
    pub fn connect(endpoint: Endpoint, parties: usize, config: Config) -> Result<DataOwner, MpcError> {
        DataOwner::join(endpoint, parties, config, None)
    }

    /// As [`DataOwner::connect`], with what a dealer dealt ahead who takes no part.
    ///
    /// # Errors
    /// As [`DataOwner::connect`].
    pub fn connect_ahead(
        endpoint: Endpoint,
        parties: usize,
        config: Config,
        ahead: Box<dyn Provider>,
    ) -> Result<DataOwner, MpcError> {
        DataOwner::join(endpoint, parties, config, Some(ahead))
    }

    fn join(
        endpoint: Endpoint,
        parties: usize,
        config: Config,
        ahead: Option<Box<dyn Provider>>,
    ) -> Result<DataOwner, MpcError> {
        let dealt = ahead.as_ref().map(|ahead| ahead.seed());
        let (member, streams, _) = Membership::join(endpoint, parties, config, dealt)?;
        Ok(DataOwner { member, streams, sent: BTreeSet::new(), ahead })
    }

    /// Takes part in an evaluation that the parties and the dealer make at the same time. `leaves` holds this member's own
    /// leaves and the public ones.
    ///
    /// # Errors
    /// Any error is sent to the others as an abort and poisons this member.
    pub fn evaluate(&mut self, plan: &Plan, leaves: &Leaves) -> Result<Outcome, MpcError> {
        let number = self.member.begin()?;
        let _span = self.member.span(number).entered();
        let outcome = self.attempt(number, plan, leaves);
        self.member.conclude(outcome)
    }

    /// Leaves the session: tells the others why, and refuses any further evaluation.
    pub fn abort(&mut self, cause: &str) {
        self.member.abort(cause);
    }

    /// Sends a few bytes that all may know to all members but the dealer, and receives theirs.
    ///
    /// # Errors
    /// As [`crate::Party::exchange`].
    pub fn exchange(&mut self, topic: &str, bytes: &[u8]) -> Result<Vec<(MemberId, Vec<u8>)>, MpcError> {
        self.member.exchange(topic, bytes)
    }

    fn attempt(&mut self, number: u64, plan: &Plan, leaves: &Leaves) -> Result<Outcome, MpcError> {
        let begun = Instant::now();
        let Membership { endpoint, me, .. } = &self.member;
        endpoint.set_phase(Phase::Setup);
        self.member.config.hooks.at("setup", 0);
        self.member.fits(plan)?;
        let digest = agree(&self.member, number, plan, leaves, None, None)?;
        if let Some(ahead) = &mut self.ahead {
            ahead.begin(number, digest).map_err(MpcError::Correlations)?;
        }
        endpoint.set_place("weights", 0);
        for (task, id) in (PERSISTENT..).zip(plan.persistent().collect::<Vec<_>>()) {
            let key = plan.keys.get(&id).copied();
            if plan.owner(id) == Some(*me) && key.is_some_and(|key| self.sent.insert(key)) {
                self.send(plan, leaves, id, (number, task))?;
            }
        }
        let setup = begun.elapsed();

        let start = Instant::now();
        endpoint.set_phase(Phase::Online);
        for &t in &plan.order {
            let task = &plan.tasks[t as usize];
            let is_mine = task.steps.openings.iter().any(|opening| opening.from == Sender::Owner(*me));
            if task.kind == TaskKind::Open && is_mine {
                self.send(plan, leaves, task.node, (number, t))?;
            }
        }
        let mut outcome = Outcome::of_data_owner(plan);
        for &t in &plan.order {
            let id = plan.tasks[t as usize].node;
            let node = plan.node(id);
            let RingOp::Reveal { to } = &node.op else { continue };
            if !to.iter().any(|owner| plan.owners[owner.0 as usize] == *me) {
                continue;
            }
            let value = match node.visibility {
                // who knows all that a value is made of computes it
                Visibility::Public => {
                    let value = known(plan.values(), &constants(plan.values(), leaves), node.inputs[0]);
                    let value = value.ok_or_else(|| missing_leaf(plan, id))?;
                    Revealed::Ring((*value).clone())
                }
                _ => self.receive(plan, number, t)?,
            };
            outcome.revealed.insert(id, value);
        }
        outcome.times = Times { setup, online: start.elapsed(), ..Times::default() };
        endpoint.set_phase(Phase::Setup);
        outcome.traffic = endpoint.meter().reset();
        self.member.evaluated(plan.rounds(), begun);
        Ok(outcome)
    }

    /// Sends a leaf under its mask to all parties.
    fn send(
        &self,
        plan: &Plan,
        leaves: &Leaves,
        id: RingId,
        (number, task): (u64, u32),
    ) -> Result<(), MpcError> {
        let Membership { endpoint, config, me, parties, .. } = &self.member;
        // its owner's share of a value is all of it
        let value = Share::new(leaf(plan, leaves, id)?.clone());
        let (stream, item) = (plan.mask_stream(number, id)?, plan.masked_as(id));
        let mask = MaskStreams { streams: &self.streams, holders: plan.mask_streams(id), stream };
        for part in item.parts() {
            let last = (part.end * item.lanes()).min(elements(plan.node(id)));
            let share = value.packed(item, part.start * item.lanes()..last);
            let masked = Outgoing::from(share.masked(&mask, item, part.start)?);
            let payload = Payload::from(masked.into_words());
            for party in 0..*parties {
                let frame = Frame::new(number, task, 0, FrameKind::Opening, payload.clone());
                config.hooks.sent(*me, party, &frame);
                let posted = endpoint.post(MemberId(party as u16), frame);
                posted.map_err(|source| {
                    let node = plan.name(plan.node(id).origin).to_owned();
                    MpcError::Net { node, round: 0, source }
                })?;
            }
        }
        Ok(())
    }

    /// Receives a value that is revealed to this member.
    fn receive(&self, plan: &Plan, number: u64, t: u32) -> Result<Revealed, MpcError> {
        let Membership { endpoint, config, parties, .. } = &self.member;
        let task = &plan.tasks[t as usize];
        let node = plan.node(plan.node(task.node).inputs[0]);
        let item = item(node);
        endpoint.set_place(plan.task_name(t), task.start + 1);
        // each step of the parties has its own limit, and this member waits for all of them
        let timeout = config.timeout.saturating_mul(plan.rounds() + 2);
        let mut sum = vec![0; item.words()];
        for party in 0..*parties {
            for part in item.parts() {
                let length = part.len() as u64 * 8;
                let header =
                    FrameHeader { evaluation: number, task: t, step: 0, kind: FrameKind::Reveal, length };
                let frame = endpoint.expect(MemberId(party as u16), header, timeout).map_err(|source| {
                    MpcError::Net { node: plan.task_name(t).to_owned(), round: task.start + 1, source }
                })?;
                narrow::combine(item, &mut sum[part], frame.payload.words(), Sign::Plus);
            }
        }
        Ok(match node.ty {
            RingType::Ring { .. } => Revealed::Ring(RingTensor::new(node.shape.clone(), sum)),
            RingType::Bits { planes } => {
                let mut bits = BitTensor::from_words(elements(node), planes, sum);
                bits.mask_tail();
                Revealed::Bits(bits)
            }
        })
    }
}
