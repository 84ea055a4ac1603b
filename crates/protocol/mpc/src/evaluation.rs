//! The state of one evaluation at one party: its part of each value, and the openings under way.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use tacita_correlations::{
    BitMasked, BitShare, Correction, Provider, RingMasked, RingShare, Streams, narrow,
};
use tacita_net::{Endpoint, FrameHeader, FrameKind, MemberId, NetError};
use tacita_program::RingId;
use tacita_ring::{RingTensor, Sign};

use crate::config::Config;
use crate::error::MpcError;
use crate::form::{Form, LeafKey};
use crate::linear::Maybe;
use crate::output::{Output, Revealed};
use crate::plan::{Plan, TaskKind};
use crate::steps::{Opening, Receivers, Sender};

/// A party's part of a weight that was opened for the session.
pub(crate) enum Stored {
    /// At the party that owns it. The masked value, which it rarely needs, is computed again on demand.
    Value(RingShare),
    /// At any other.
    Masked(RingMasked),
}

/// A party's part of one node's value.
#[derive(Default)]
pub(crate) struct Slot {
    pub public: Option<Arc<RingTensor>>,
    /// The additive share; a share of zero is none.
    pub share: Option<Option<RingShare>>,
    pub masked: Option<RingMasked>,
    pub bits: Option<BitShare>,
    pub masked_bits: Option<BitMasked>,
}

/// An opening under way.
pub(crate) struct Pending {
    pub opening: Opening,
    pub kind: FrameKind,
    /// What this party sent, by part: nothing if it does not send.
    pub own: Vec<Arc<Vec<u64>>>,
    pub done: Option<Option<Vec<u64>>>,
}

/// One evaluation at one party.
pub(crate) struct Evaluation<'a> {
    pub plan: &'a Plan,
    pub config: &'a Config,
    pub me: usize,
    pub number: u64,
    pub endpoint: &'a Endpoint,
    pub streams: &'a Streams,
    /// Seeds shared with each other party, for sharings of zero, and this party's own, for what nobody is to know.
    pub pairwise: &'a Streams,
    pub store: &'a BTreeMap<LeafKey, Stored>,
    pub slots: RefCell<Vec<Slot>>,
    pub left: RefCell<Vec<u32>>,
    pub pending: RefCell<BTreeMap<(u32, u16), Pending>>,
    pub corrections: RefCell<BTreeMap<u32, Vec<Option<Correction>>>>,
    pub prepared: RefCell<BTreeMap<u32, RingTensor>>,
    pub revealed: RefCell<BTreeMap<RingId, Revealed>>,
    /// This party's shares of what is kept.
    pub kept: RefCell<BTreeMap<RingId, RingShare>>,
    /// Where corrections come from if no dealer takes part.
    pub ahead: &'a RefCell<Option<Box<dyn Provider>>>,
}

impl Evaluation<'_> {
    pub fn dealer(&self) -> MemberId {
        MemberId(self.plan.parties() as u16)
    }

    /// Takes the next correction, which must be this one.
    pub fn correction(&self, header: FrameHeader) -> Result<Correction, MpcError> {
        if let Some(ahead) = self.ahead.borrow_mut().as_mut() {
            return ahead.next(&header).map(Correction::new).map_err(MpcError::Correlations);
        }
        let frame = self.endpoint.expect(self.dealer(), header, self.config.timeout);
        let frame = frame.map_err(|source| self.fail(header.task, source))?;
        Ok(Correction::new(frame.payload.into_words()))
    }

    pub fn stored(&self, id: RingId) -> Option<&Stored> {
        self.plan.keys.get(&id).and_then(|key| self.store.get(key))
    }

    /// Puts a public leaf into its slot.
    pub fn set_public(&self, id: RingId, value: Maybe) {
        self.slots.borrow_mut()[id.0 as usize].public = value;
    }

    /// Puts a share of a leaf into its slot: all of the leaf at its owner, none at others.
    pub fn set_share(&self, id: RingId, share: Option<RingShare>) {
        self.slots.borrow_mut()[id.0 as usize].share = Some(share);
    }

    /// Stores a task's result.
    pub fn finish(&self, task: u32, output: Output) {
        let id = self.plan.tasks[task as usize].node;
        {
            let slot = &mut self.slots.borrow_mut()[id.0 as usize];
            match output {
                Output::Nothing => {}
                Output::Share(share) => slot.share = Some(share),
                Output::Masked(value) if self.plan.form(id) == Form::Public => {
                    slot.public = Some(value.into_known());
                }
                Output::Masked(value) => slot.masked = Some(value),
                Output::Bits(bits) => slot.bits = Some(bits),
                Output::MaskedBits(bits) => slot.masked_bits = Some(bits),
                Output::Revealed(value) => {
                    self.revealed.borrow_mut().insert(id, value);
                }
                Output::Kept(share) => {
                    self.kept.borrow_mut().insert(id, share);
                }
            }
        }
        self.corrections.borrow_mut().remove(&task);
        // liveness: a value goes when the last task that uses it is done
        let mut left = self.left.borrow_mut();
        let mut release = |id: RingId| {
            let left = &mut left[id.0 as usize];
            *left = left.saturating_sub(1);
            if *left == 0 && self.plan.form(id) != Form::Public {
                self.slots.borrow_mut()[id.0 as usize] = Slot::default();
            }
        };
        match self.plan.tasks[task as usize].kind {
            TaskKind::Open => release(id),
            TaskKind::Run => {
                let node = self.plan.node(id);
                let mut seen: Vec<RingId> = Vec::with_capacity(node.inputs.len());
                for &input in &node.inputs {
                    if !seen.contains(&input) {
                        release(input);
                        seen.push(input);
                    }
                }
            }
        }
    }

    pub fn fail(&self, task: u32, source: NetError) -> MpcError {
        let round = self.plan.tasks[task as usize].start + 1;
        MpcError::Net { node: self.plan.task_name(task).to_owned(), round, source }
    }

    /// Says where this member is, to its heartbeats and its log.
    pub fn enter_round(&self, round: u32) {
        let first = self.pending.borrow().keys().next().map(|(task, _)| *task);
        let node = first.map_or("", |task| self.plan.task_name(task));
        self.endpoint.set_place(node, round);
        tracing::debug!(round, node, "a round");
        metrics::counter!("tacita_rounds_total").increment(1);
        self.config.hooks.at("round", round);
    }

    /// Receives all openings of the round, in the order in which every party posted them. Returns their tasks.
    pub fn end_round(&self) -> Result<Vec<u32>, MpcError> {
        let mut pending = self.pending.borrow_mut();
        let mut woken = Vec::with_capacity(pending.len());
        for (&(task, step), p) in pending.iter_mut() {
            let receives = match &p.opening.to {
                Receivers::All => true,
                Receivers::Only(to) => to.contains(&self.me),
            };
            let own = std::mem::take(&mut p.own);
            p.done = Some(if receives { Some(self.receive((task, step), p, own)?) } else { None });
            woken.push(task);
        }
        Ok(woken)
    }

    /// Receives an opening: the sum of what its senders sent, part by part, as they come.
    fn receive(
        &self,
        (task, step): (u32, u16),
        pending: &Pending,
        own: Vec<Arc<Vec<u64>>>,
    ) -> Result<Vec<u64>, MpcError> {
        let item = pending.opening.item;
        let senders = match pending.opening.from {
            Sender::All => 0..self.plan.parties(),
            Sender::Owner(owner) => owner..owner + 1,
        };
        let mut own = own.into_iter();
        let mut opened = Vec::new();
        for part in item.parts() {
            let mut sum: Option<Vec<u64>> = None;
            let mut own = own.next();
            for peer in senders.clone().filter(|&peer| peer != self.me) {
                let length = part.len() as u64 * 8;
                let header = FrameHeader { evaluation: self.number, task, step, kind: pending.kind, length };
                let frame = self.endpoint.expect(MemberId(peer as u16), header, self.config.timeout);
                let words = frame.map_err(|source| self.fail(task, source))?.payload.into_words();
                match &mut sum {
                    None => sum = Some(words),
                    Some(sum) => {
                        narrow::combine(item, sum, &words, Sign::Plus);
                        self.endpoint.buffers().give(words);
                    }
                }
                if let (Some(sum), Some(own)) = (&mut sum, own.take()) {
                    narrow::combine(item, sum, &own, Sign::Plus);
                }
            }
            let sum = sum.or_else(|| own.map(Arc::unwrap_or_clone));
            let sum = sum.ok_or_else(|| MpcError::Internal("an opening without a sender".into()))?;
            if part.len() == item.words() {
                return Ok(sum);
            }
            if opened.is_empty() {
                opened.reserve_exact(item.words());
            }
            opened.extend_from_slice(&sum);
            self.endpoint.buffers().give(sum);
        }
        Ok(opened)
    }
}
