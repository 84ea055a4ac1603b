//! What a primitive sees of the party or the dealer that runs it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tacita_graph::{RingId, RingKind};
use tacita_net::{Endpoint, Frame, FrameHeader, FrameKind, MemberId, NetError, Payload};
use tacita_ring::{BitTensor, RingTensor};

use crate::config::Config;
use crate::error::MpcError;
use crate::linear::{self, Maybe};
use crate::narrow;
use crate::plan::{Form, LeafKey, Plan, TaskKind};
use crate::primitives::{Output, Revealed, elements, words};
use crate::steps::{Item, Opening, Receivers, Sender};
use crate::streams::{Combine, StreamId, Streams, Use};

/// A weight that was opened for the session: its opening, and its value at the owner.
pub(crate) struct Stored {
    pub hat: Arc<RingTensor>,
    pub value: Maybe,
}

/// What a party holds of one node's value.
#[derive(Default)]
pub(crate) struct Slot {
    public: Option<Arc<RingTensor>>,
    share: Option<Maybe>,
    hat: Option<Arc<RingTensor>>,
    bits: Option<Arc<BitTensor>>,
    open_bits: Option<Arc<BitTensor>>,
}

/// An opening under way.
pub(crate) struct Pending {
    pub opening: Opening,
    pub kind: FrameKind,
    pub own: Option<Arc<Vec<u64>>>,
    pub xor: bool,
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
    /// Seeds shared with each other party, for sharings of zero.
    pub pairwise: &'a Streams,
    pub store: &'a BTreeMap<LeafKey, Stored>,
    pub slots: RefCell<Vec<Slot>>,
    pub left: RefCell<Vec<u32>>,
    pub pending: RefCell<BTreeMap<(u32, u16), Pending>>,
    pub corrections: RefCell<BTreeMap<u32, Vec<Option<Vec<u64>>>>>,
    pub prepared: RefCell<BTreeMap<u32, RingTensor>>,
    pub revealed: RefCell<BTreeMap<RingId, Revealed>>,
}

fn missing(what: &str, id: RingId) -> MpcError {
    MpcError::Internal(format!("{what} of ring node {} is not there", id.0))
}

impl Evaluation<'_> {
    pub fn dealer(&self) -> MemberId {
        MemberId(self.plan.parties() as u16)
    }

    fn stored(&self, id: RingId) -> Option<&Stored> {
        self.plan.keys.get(&id).and_then(|key| self.store.get(key))
    }

    /// Puts a leaf that this party knows into its slot.
    pub fn set_leaf(&self, id: RingId, public: bool, value: Maybe) {
        let slot = &mut self.slots.borrow_mut()[id.0 as usize];
        if public { slot.public = value } else { slot.share = Some(value) }
    }

    /// Stores a task's result.
    pub fn finish(&self, task: u32, output: Output) {
        let id = self.plan.tasks[task as usize].node;
        {
            let slot = &mut self.slots.borrow_mut()[id.0 as usize];
            match output {
                Output::Nothing => {}
                Output::Share(share) => slot.share = Some(share.map(Arc::new)),
                Output::Opening(hat) if self.plan.form(id) == Form::Public => {
                    slot.public = Some(Arc::new(hat))
                }
                Output::Opening(hat) => slot.hat = Some(Arc::new(hat)),
                Output::Bits(bits) => slot.bits = Some(Arc::new(bits)),
                Output::OpenBits(bits) => slot.open_bits = Some(Arc::new(bits)),
                Output::Revealed(value) => {
                    self.revealed.borrow_mut().insert(id, value);
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
}

/// A task at a party.
#[derive(Clone, Copy)]
pub(crate) struct TaskContext<'a> {
    pub eval: &'a Evaluation<'a>,
    pub task: u32,
}

impl<'a> TaskContext<'a> {
    pub fn plan(&self) -> &'a Plan {
        self.eval.plan
    }

    /// Whether this is the party that adds what is public to its shares.
    pub fn first(&self) -> bool {
        self.eval.me == 0
    }

    fn stream(&self, purpose: Use) -> StreamId {
        StreamId::Evaluation { evaluation: self.eval.number, task: self.task, purpose }
    }

    /// A public value.
    pub fn public(&self, id: RingId) -> Maybe {
        self.eval.slots.borrow()[id.0 as usize].public.clone()
    }

    /// The opening of a value; a public value is its own.
    pub fn opening(&self, id: RingId) -> Result<Arc<RingTensor>, MpcError> {
        let slots = self.eval.slots.borrow();
        let slot = &slots[id.0 as usize];
        let found = slot.public.as_ref().or(slot.hat.as_ref());
        let found = found.or_else(|| self.eval.stored(id).map(|stored| &stored.hat));
        found.cloned().ok_or_else(|| missing("the opening", id))
    }

    /// This party's additive share.
    pub fn share(&self, id: RingId) -> Result<Maybe, MpcError> {
        if let Some(share) = &self.eval.slots.borrow()[id.0 as usize].share {
            return Ok(share.clone());
        }
        if let Some(stored) = self.eval.stored(id) {
            return Ok(stored.value.clone());
        }
        // of x̂ = x + r: x̂ − [r] at the first party, −[r] at the others
        let mask = self.mask(id)?;
        let mut share = if self.first() {
            Some((*self.opening(id)?).clone())
        } else {
            mask.as_ref().map(|m| RingTensor::zeros(m.shape()))
        };
        if let (Some(share), Some(mask)) = (&mut share, &mask) {
            share.sub_assign(mask);
        }
        Ok(share.map(Arc::new))
    }

    /// This party's share of the mask of an opened value.
    pub fn mask(&self, id: RingId) -> Result<Maybe, MpcError> {
        let base = |id: RingId| -> Result<Maybe, MpcError> {
            if self.plan().owner(id).is_some_and(|owner| owner != self.eval.me) {
                return Ok(None);
            }
            let node = self.plan().node(id);
            let stream = base_stream(self.plan(), self.eval.number, id)?;
            let words = self.eval.streams.words(self.eval.me, stream, elements(node))?;
            Ok(Some(Arc::new(RingTensor::new(node.shape.clone(), words))))
        };
        linear::mask(self.plan(), id, base, |id| {
            self.public(id).ok_or_else(|| missing("the public value", id))
        })
    }

    /// This party's XOR shares of bits.
    pub fn bits(&self, id: RingId) -> Result<Arc<BitTensor>, MpcError> {
        self.eval.slots.borrow()[id.0 as usize].bits.clone().ok_or_else(|| missing("the bits", id))
    }

    /// The opening of bits.
    pub fn open_bit_planes(&self, id: RingId) -> Result<Arc<BitTensor>, MpcError> {
        self.eval.slots.borrow()[id.0 as usize]
            .open_bits
            .clone()
            .ok_or_else(|| missing("the opened bits", id))
    }

    /// This party's share of the task's dealt item.
    pub fn dealt(&self, index: usize) -> Result<Vec<u64>, MpcError> {
        let task = &self.plan().tasks[self.task as usize];
        let words = task.steps.dealt[index].words();
        if task.receiver != self.eval.me {
            return self.eval.streams.words(self.eval.me, self.stream(Use::Dealt(index as u16)), words);
        }
        let mut corrections = self.eval.corrections.borrow_mut();
        let item =
            corrections.get_mut(&self.task).and_then(|items| items.get_mut(index)).and_then(Option::take);
        item.ok_or_else(|| {
            MpcError::Internal(format!("correction {index} of task {} taken twice", self.task))
        })
    }

    /// Adds this party's share of a dealt ring item to `values`.
    pub fn add_dealt(&self, index: usize, values: &mut [u64]) -> Result<(), MpcError> {
        if self.plan().tasks[self.task as usize].receiver != self.eval.me {
            let stream = self.stream(Use::Dealt(index as u16));
            return self.eval.streams.apply(self.eval.me, stream, 0, values, Combine::Add);
        }
        let dealt = self.dealt(index)?;
        tacita_ring::simd::dispatch(
            #[inline(always)]
            || values.iter_mut().zip(&dealt).for_each(|(v, d)| *v = v.wrapping_add(*d)),
        );
        Ok(())
    }

    /// The part of a product that was computed before the input came.
    pub fn take_prepared(&self) -> Option<RingTensor> {
        self.eval.prepared.borrow_mut().remove(&self.task)
    }

    /// This party's share of the mask of the task's opening `step`.
    pub fn step_mask(&self, step: u16, words: usize) -> Result<Vec<u64>, MpcError> {
        self.eval.streams.words(self.eval.me, self.stream(Use::Mask(step)), words)
    }

    /// Opens XOR-shared words under a fresh mask.
    pub fn open_bits(&self, step: u16, mut share: Vec<u64>) -> Result<OpeningFuture<'a>, MpcError> {
        let stream = self.stream(Use::Mask(step));
        self.eval.streams.apply(self.eval.me, stream, 0, &mut share, Combine::Xor)?;
        self.post(step, Some(share), true, FrameKind::Opening)
    }

    /// Opens the node's value under its mask: the task of an opening.
    pub async fn open_value(self) -> Result<Output, MpcError> {
        let id = self.plan().tasks[self.task as usize].node;
        let node = self.plan().node(id);
        match node.kind {
            RingKind::Bits { planes } => {
                let share = self.bits(id)?.words().to_vec();
                let words = self.open_bits(0, share)?.await?.unwrap_or_default();
                Ok(Output::OpenBits(BitTensor::from_words(elements(node), planes, words)))
            }
            RingKind::Ring { .. } => {
                let silent = self.plan().owner(id).is_some_and(|owner| owner != self.eval.me);
                let share = if silent {
                    None
                } else {
                    let mut share = match self.share(id)? {
                        Some(share) => share.data().to_vec(),
                        None => vec![0; words(node)],
                    };
                    let stream = self.stream(Use::Mask(0));
                    self.eval.streams.apply(self.eval.me, stream, 0, &mut share, Combine::Add)?;
                    Some(share)
                };
                let words = self.post(0, share, false, FrameKind::Opening)?.await?.unwrap_or_default();
                Ok(Output::Opening(RingTensor::new(node.shape.clone(), words)))
            }
        }
    }

    /// Sends a share, under a fresh sharing of zero among the parties, to the receivers of a reveal.
    pub fn reveal(&self, mut share: Vec<u64>, xor: bool) -> Result<OpeningFuture<'a>, MpcError> {
        let me = self.eval.me;
        for other in (0..self.plan().parties()).filter(|&other| other != me) {
            let how = match (xor, me < other) {
                (true, _) => Combine::Xor,
                (false, true) => Combine::Add,
                (false, false) => Combine::Subtract,
            };
            self.eval.pairwise.apply(other, self.stream(Use::Zero(0)), 0, &mut share, how)?;
        }
        self.post(0, Some(share), xor, FrameKind::Reveal)
    }

    fn post(
        &self,
        step: u16,
        own: Option<Vec<u64>>,
        xor: bool,
        kind: FrameKind,
    ) -> Result<OpeningFuture<'a>, MpcError> {
        let eval = self.eval;
        let declared = self.plan().tasks[self.task as usize].steps.openings.get(step as usize);
        let opening = declared
            .cloned()
            .ok_or_else(|| MpcError::Internal(format!("task {} opens more than it declared", self.task)))?;
        let own = own.map(Arc::new);
        if let Some(own) = &own {
            if own.len() != opening.words {
                let reason =
                    format!("task {} opens {} words, declared {}", self.task, own.len(), opening.words);
                return Err(MpcError::Internal(reason));
            }
            for peer in (0..self.plan().parties()).filter(|&peer| peer != eval.me) {
                if match &opening.to {
                    Receivers::All => true,
                    Receivers::Only(to) => to.contains(&peer),
                } {
                    let frame = Frame::new(eval.number, self.task, step, kind, Payload::from(own.clone()));
                    eval.config.hooks.sent(eval.me, peer, &frame);
                    let posted = eval.endpoint.post(MemberId(peer as u16), frame);
                    posted.map_err(|source| eval.fail(self.task, source))?;
                }
            }
        }
        let key = (self.task, step);
        eval.pending.borrow_mut().insert(key, Pending { opening, kind, own, xor, done: None });
        Ok(OpeningFuture { eval, key })
    }
}

/// The stream of the mask under which a value of its own opening is opened.
fn base_stream(plan: &Plan, evaluation: u64, id: RingId) -> Result<StreamId, MpcError> {
    match (plan.form(id), plan.open_task[id.0 as usize]) {
        (Form::Persistent, _) => {
            plan.keys.get(&id).map(|key| StreamId::Persistent(*key)).ok_or_else(|| missing("the key", id))
        }
        (_, Some(task)) => Ok(StreamId::Evaluation { evaluation, task, purpose: Use::Mask(0) }),
        _ => Err(missing("the mask", id)),
    }
}

/// Resolves at the end of the round: to the opened words at who receives, to `None` at who does not.
pub(crate) struct OpeningFuture<'a> {
    eval: &'a Evaluation<'a>,
    key: (u32, u16),
}

impl Future for OpeningFuture<'_> {
    type Output = Result<Option<Vec<u64>>, MpcError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let mut pending = self.eval.pending.borrow_mut();
        match pending.get_mut(&self.key).map(|p| p.done.take()) {
            Some(None) => Poll::Pending,
            Some(Some(words)) => {
                pending.remove(&self.key);
                Poll::Ready(Ok(words))
            }
            None => Poll::Ready(Err(MpcError::Internal("an opening was polled after its end".into()))),
        }
    }
}

impl Evaluation<'_> {
    /// Receives all openings of the round, in the order in which every party posted them. Returns their tasks.
    pub fn end_round(&self) -> Result<Vec<u32>, MpcError> {
        let mut pending = self.pending.borrow_mut();
        let mut woken = Vec::with_capacity(pending.len());
        for (&(task, step), p) in pending.iter_mut() {
            let receives = match &p.opening.to {
                Receivers::All => true,
                Receivers::Only(to) => to.contains(&self.me),
            };
            let mut sum: Option<Vec<u64>> = None;
            if receives {
                for peer in (0..self.plan.parties()).filter(|&peer| peer != self.me) {
                    if matches!(p.opening.from, Sender::Owner(owner) if owner != peer) {
                        continue;
                    }
                    let length = p.opening.words as u64 * 8;
                    let header = FrameHeader { evaluation: self.number, task, step, kind: p.kind, length };
                    let frame = self.endpoint.expect(MemberId(peer as u16), header, self.config.timeout);
                    let words = frame.map_err(|source| self.fail(task, source))?.payload.into_words();
                    sum = Some(match sum {
                        None => words,
                        Some(mut sum) => {
                            combine(&mut sum, &words, p.xor);
                            sum
                        }
                    });
                }
                sum = Some(match (sum, &p.own) {
                    (Some(mut sum), Some(own)) => {
                        combine(&mut sum, own, p.xor);
                        sum
                    }
                    (Some(sum), None) => sum,
                    (None, Some(own)) => own.to_vec(),
                    (None, None) => return Err(MpcError::Internal("an opening without a sender".into())),
                });
            }
            p.own = None;
            p.done = Some(sum);
            woken.push(task);
        }
        Ok(woken)
    }
}

fn combine(sum: &mut [u64], other: &[u64], xor: bool) {
    tacita_ring::simd::dispatch(
        #[inline(always)]
        || {
            if xor {
                sum.iter_mut().zip(other).for_each(|(s, o)| *s ^= o);
            } else {
                sum.iter_mut().zip(other).for_each(|(s, o)| *s = s.wrapping_add(*o));
            }
        },
    );
}

/// A task at the dealer.
pub(crate) struct DealContext<'a> {
    pub plan: &'a Plan,
    pub config: &'a Config,
    pub number: u64,
    pub endpoint: &'a Endpoint,
    pub streams: &'a Streams,
    pub public: &'a BTreeMap<RingId, Arc<RingTensor>>,
    /// Masks that later tasks use again.
    pub masks: BTreeMap<RingId, Arc<RingTensor>>,
    pub task: u32,
    pub emitted: usize,
}

impl DealContext<'_> {
    /// The mask of an opened value.
    pub fn mask(&mut self, id: RingId) -> Result<Arc<RingTensor>, MpcError> {
        if let Some(mask) = self.masks.get(&id) {
            return Ok(mask.clone());
        }
        let (plan, streams, number, public) = (self.plan, self.streams, self.number, self.public);
        let masks = &self.masks;
        let mut fresh = Vec::new();
        let mask = linear::mask(
            plan,
            id,
            |source| {
                if let Some(mask) = masks.get(&source) {
                    return Ok(Some(mask.clone()));
                }
                let node = plan.node(source);
                let stream = base_stream(plan, number, source)?;
                let sum = sum_of_streams(
                    plan,
                    streams,
                    plan.owner(source),
                    stream,
                    0,
                    elements(node),
                    Combine::Add,
                )?;
                let mask = Arc::new(RingTensor::new(node.shape.clone(), sum));
                fresh.push((source, mask.clone()));
                Ok(Some(mask))
            },
            |id| public.get(&id).cloned().ok_or_else(|| missing("the public value", id)),
        )?;
        self.masks.extend(fresh);
        let mask = mask.ok_or_else(|| missing("the mask", id))?;
        self.masks.insert(id, mask.clone());
        Ok(mask)
    }

    /// The masks under which bits are opened.
    pub fn bit_mask(&self, id: RingId) -> Result<Vec<u64>, MpcError> {
        let stream = base_stream(self.plan, self.number, id)?;
        sum_of_streams(self.plan, self.streams, None, stream, 0, words(self.plan.node(id)), Combine::Xor)
    }

    /// Words `first..first + len` of the masks of this task's opening `step` of bits.
    pub fn step_mask_bits(&self, step: u16, first: usize, len: usize) -> Result<Vec<u64>, MpcError> {
        let purpose = Use::Mask(step);
        let stream = StreamId::Evaluation { evaluation: self.number, task: self.task, purpose };
        sum_of_streams(self.plan, self.streams, None, stream, first, len, Combine::Xor)
    }

    /// Deals the task's next item: the value less the shares that the other parties expand goes to the receiver.
    pub fn emit(&mut self, mut value: Vec<u64>) -> Result<(), MpcError> {
        let task = &self.plan.tasks[self.task as usize];
        let item =
            *task.steps.dealt.get(self.emitted).ok_or_else(|| {
                MpcError::Internal(format!("task {} deals more than it declared", self.task))
            })?;
        if value.len() != item.words() {
            let reason = format!("task {} deals {} words, declared {}", self.task, value.len(), item.words());
            return Err(MpcError::Internal(reason));
        }
        let purpose = Use::Dealt(self.emitted as u16);
        let stream = StreamId::Evaluation { evaluation: self.number, task: self.task, purpose };
        for party in (0..self.plan.parties()).filter(|&party| party != task.receiver) {
            match item {
                Item::Ring(_) => self.streams.apply(party, stream, 0, &mut value, Combine::Subtract)?,
                Item::Bits(_) => self.streams.apply(party, stream, 0, &mut value, Combine::Xor)?,
                Item::Narrow { .. } => {
                    narrow::subtract(item, &mut value, &self.streams.words(party, stream, item.words())?)
                }
            }
        }
        let frame = Frame::new(
            self.number,
            self.task,
            self.emitted as u16,
            FrameKind::Correction,
            Payload::from(value),
        );
        self.emitted += 1;
        self.config.hooks.sent(self.plan.parties(), task.receiver, &frame);
        let to = MemberId(task.receiver as u16);
        self.endpoint.post_bounded(to, frame, self.config.dealer_ahead).map_err(|source| MpcError::Net {
            node: self.plan.task_name(self.task).to_owned(),
            round: task.start + 1,
            source,
        })
    }
}

/// The combination of a stream of all parties, or of its owner alone.
fn sum_of_streams(
    plan: &Plan,
    streams: &Streams,
    owner: Option<usize>,
    stream: StreamId,
    first: usize,
    len: usize,
    how: Combine,
) -> Result<Vec<u64>, MpcError> {
    let mut sum = vec![0; len];
    let parties = owner.map_or(0..plan.parties(), |owner| owner..owner + 1);
    for party in parties {
        streams.apply(party, stream, first, &mut sum, how)?;
    }
    Ok(sum)
}
