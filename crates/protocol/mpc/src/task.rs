//! What a primitive sees of the party that runs it.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tacita_net::{Frame, FrameKind, MemberId, Payload};
use tacita_program::{RingId, RingType};
use tacita_ring::simd::dispatch;
use tacita_ring::{BitTensor, RingTensor, Sign};

use crate::error::MpcError;
use crate::evaluation::{Evaluation, Pending, Stored};
use crate::linear::{self, Maybe};
use crate::party::opened;
use crate::plan::Plan;
use crate::primitives::{Output, contribution, elements};
use crate::steps::{Opening, Receivers};
use tacita_correlations::narrow;
use tacita_correlations::{Scratch, Source, StreamId, Use};
use tacita_correlations::{Unit, for_each_tile};

fn missing(what: &str, id: RingId) -> MpcError {
    MpcError::Internal(format!("{what} of ring node {} is not there", id.0))
}

/// A task at a party.
#[derive(Clone, Copy)]
pub(crate) struct TaskContext<'a> {
    pub eval: &'a Evaluation<'a>,
    pub task: u32,
    /// The opening and the dealt item that count as the first to who computes a part of the task.
    first: (u16, usize),
}

impl<'a> TaskContext<'a> {
    pub fn new(eval: &'a Evaluation<'a>, task: u32) -> Self {
        TaskContext { eval, task, first: (0, 0) }
    }

    /// The same task to who computes a part of it that begins with this opening and this dealt item.
    pub fn part(self, step: u16, item: usize) -> Self {
        TaskContext { first: (self.first.0 + step, self.first.1 + item), ..self }
    }

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
        let stored = self.eval.slots.borrow()[id.0 as usize].public.clone();
        stored.or_else(|| linear::uniform(self.plan().node(id)).map(Arc::new))
    }

    /// The opening of a value; a public value is its own.
    pub fn opening(&self, id: RingId) -> Result<Arc<RingTensor>, MpcError> {
        if let Some(public) = self.public(id) {
            return Ok(public);
        }
        if let Some(hat) = &self.eval.slots.borrow()[id.0 as usize].hat {
            return Ok(hat.clone());
        }
        match (self.eval.stored(id), self.plan().leaf_key(id)) {
            (Some(Stored::Opening(hat)), _) => Ok(hat.clone()),
            (Some(Stored::Value(value)), Some(key)) => {
                let words = opened(self.eval.streams, self.eval.me, key, value, 0..value.data().len())?;
                Ok(Arc::new(RingTensor::new(value.shape().to_vec(), words)))
            }
            _ => Err(missing("the opening", id)),
        }
    }

    /// This party's additive share.
    pub fn share(&self, id: RingId) -> Result<Maybe, MpcError> {
        if let Some(share) = &self.eval.slots.borrow()[id.0 as usize].share {
            return Ok(share.clone());
        }
        match self.eval.stored(id) {
            Some(Stored::Value(value)) => return Ok(Some(value.clone())),
            Some(Stored::Opening(_)) if !self.plan().is_data_owners(id) => return Ok(None),
            _ => {}
        }
        // of x̂ = x + r: x̂ − [r] at the first party, −[r] at the others
        if self.first() {
            return self.opening_less_own_mask(id).map(Some);
        }
        Ok(self.mask(id)?.map(|mask| {
            let mut share = (*mask).clone();
            share.negate();
            Arc::new(share)
        }))
    }

    /// A value that this party owns.
    pub fn owned(&self, id: RingId) -> Result<Arc<RingTensor>, MpcError> {
        if let Some(Some(value)) = &self.eval.slots.borrow()[id.0 as usize].share {
            return Ok(value.clone());
        }
        match self.eval.stored(id) {
            Some(Stored::Value(value)) => Ok(value.clone()),
            _ => self.opening_less_own_mask(id), // its mask is all of the mask
        }
    }

    /// x̂ − [r_x]: the opening of a value less this party's share of its mask.
    pub fn opening_less_own_mask(&self, id: RingId) -> Result<Arc<RingTensor>, MpcError> {
        let hat = self.opening(id)?;
        match self.mask(id)? {
            None => Ok(hat),
            Some(mask) => {
                let mut out = (*hat).clone();
                out.sub_assign(&mask);
                Ok(Arc::new(out))
            }
        }
    }

    /// This party's share of the mask of an opened value.
    pub fn mask(&self, id: RingId) -> Result<Maybe, MpcError> {
        let base = |id: RingId| -> Result<Maybe, MpcError> {
            let Some(own) = self.plan().own_mask_stream(id, self.eval.me) else { return Ok(None) };
            let node = self.plan().node(id);
            let (stream, item) = (self.plan().mask_stream(self.eval.number, id)?, self.plan().opened_as(id));
            let words = self.eval.streams.words(own, stream, 0, item.words())?;
            Ok(Some(Arc::new(RingTensor::new(node.shape.clone(), narrow::unpacked(item, words)))))
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
    pub fn dealt(&self, index: usize) -> Result<Source<'a>, MpcError> {
        let index = self.first.1 + index;
        let source = Source::stream(self.eval.streams, self.eval.me, self.stream(Use::Dealt(index as u16)));
        if self.plan().tasks[self.task as usize].receiver != self.eval.me {
            return Ok(source);
        }
        let mut corrections = self.eval.corrections.borrow_mut();
        let item =
            corrections.get_mut(&self.task).and_then(|items| items.get_mut(index)).and_then(Option::take);
        let item = item.ok_or_else(|| {
            MpcError::Internal(format!("correction {index} of task {} taken twice", self.task))
        })?;
        Ok(source.received(item, self.eval.endpoint.buffers()))
    }

    /// Adds this party's share of a dealt ring item to `values`.
    pub fn add_dealt(&self, index: usize, values: &mut [u64]) -> Result<(), MpcError> {
        let dealt = self.dealt(index)?;
        Ok(for_each_tile(values.len(), [(values, Unit::Word)], &|range, [values]| {
            let mut scratch = Scratch::default();
            let dealt = dealt.read(range, &mut scratch)?;
            dispatch(
                #[inline(always)]
                || values.iter_mut().zip(dealt).for_each(|(v, d)| *v = v.wrapping_add(*d)),
            );
            Ok(())
        })?)
    }

    /// What of a product was computed before its input came, or before its correction.
    pub fn take_prepared(&self) -> Option<RingTensor> {
        self.eval.prepared.borrow_mut().remove(&self.task)
    }

    /// This party's share of the mask of the task's opening `step`.
    pub fn step_mask(&self, step: u16) -> Source<'a> {
        let stream = self.stream(Use::Mask(self.first.0 + step));
        Source::stream(self.eval.streams, self.eval.me, stream)
    }

    /// Opens what is shared under a fresh mask, as the step declares.
    pub fn open(&self, step: u16, share: Vec<u64>) -> Result<OpeningFuture<'a>, MpcError> {
        let step = self.first.0 + step;
        let (stream, item) = (self.stream(Use::Mask(step)), self.declared(step)?.item);
        self.post_share(step, share, FrameKind::Opening, |part, share| {
            Ok(self.eval.streams.apply(self.eval.me, stream, item, part.start, share, Sign::Plus)?)
        })
    }

    /// Opens bits without a mask: for outcomes that do not depend on data. Their shares are made fresh by a sharing of zero.
    pub fn open_outcomes(&self, step: u16, mut bits: BitTensor) -> Result<OpeningFuture<'a>, MpcError> {
        let step = self.first.0 + step;
        bits.mask_tail();
        let mut share = bits.into_words();
        self.add_zero(step, &mut share)?;
        self.post_share(step, share, FrameKind::Opening, |_, _| Ok(()))
    }

    /// So many draws for this party's permutation.
    pub fn permutation(&self, draws: usize) -> Result<Vec<u64>, MpcError> {
        Ok(self.eval.streams.words(self.eval.me, self.stream(Use::Permutation), 0, draws)?)
    }

    /// This party's contribution to a value that nobody knows.
    pub fn contribution(&self, words: usize) -> Result<Vec<u64>, MpcError> {
        contribution(self.eval.pairwise, self.eval.me, self.eval.number, self.task, words)
    }

    /// This party's share of the masks under which bits of their own opening are opened.
    pub fn bit_mask(&self, id: RingId, words: usize) -> Result<Vec<u64>, MpcError> {
        let stream = self.plan().mask_stream(self.eval.number, id)?;
        Ok(self.eval.streams.words(self.eval.me, stream, 0, words)?)
    }

    /// Opens the node's value under its mask: the task of an opening.
    pub async fn open_value(self) -> Result<Output, MpcError> {
        let id = self.plan().tasks[self.task as usize].node;
        let (node, item) = (self.plan().node(id), self.plan().opened_as(id));
        match node.ty {
            RingType::Bits { planes } => {
                let share = self.bits(id)?.words().to_vec();
                let words = self.open(0, share)?.await?.unwrap_or_default();
                Ok(Output::OpenBits(BitTensor::from_words(elements(node), planes, words)))
            }
            RingType::Ring { .. } => {
                let silent = self.plan().owner(id).is_some_and(|owner| owner != self.eval.me);
                let opening = if silent {
                    self.wait(0, FrameKind::Opening, vec![])?
                } else {
                    let (share, lanes) = (self.share(id)?, item.lanes());
                    let (streams, me, stream) = (self.eval.streams, self.eval.me, self.stream(Use::Mask(0)));
                    self.post(0, FrameKind::Opening, |part| {
                        let (first, unit) = (part.start * lanes, item.unit());
                        let elements = (part.end * lanes).min(elements(node)) - first;
                        let mut masked = match &share {
                            Some(share) => narrow::packed(item, &share.data()[first..first + elements]),
                            None => vec![0; part.len()],
                        };
                        for_each_tile(elements, [(&mut masked, unit)], &|range, [masked]| {
                            streams.apply(
                                me,
                                stream,
                                item,
                                part.start + unit.words(&range).start,
                                masked,
                                Sign::Plus,
                            )
                        })?;
                        Ok(masked)
                    })?
                };
                let words = opening.await?.unwrap_or_default();
                let opened = RingTensor::new(node.shape.clone(), narrow::unpacked(item, words));
                Ok(Output::Opening(Arc::new(opened)))
            }
        }
    }

    /// Sends a share, under a fresh sharing of zero among the parties, to the receivers of a reveal.
    pub fn reveal(&self, mut share: Vec<u64>) -> Result<OpeningFuture<'a>, MpcError> {
        self.eval.config.hooks.at("reveal", 0);
        self.add_zero(0, &mut share)?;
        self.post_share(0, share, FrameKind::Reveal, |_, _| Ok(()))
    }

    /// Adds this party's part of a fresh sharing of zero to its share of the task's opening `step`.
    fn add_zero(&self, step: u16, share: &mut [u64]) -> Result<(), MpcError> {
        let (me, pairwise) = (self.eval.me, self.eval.pairwise);
        let (stream, item) = (self.stream(Use::Zero(step)), self.declared(step)?.item);
        for other in (0..self.plan().parties()).filter(|&other| other != me) {
            let sign = if me < other { Sign::Plus } else { Sign::Minus };
            pairwise.apply(other, stream, item, 0, share, sign)?;
        }
        Ok(())
    }

    /// The task's opening `step`.
    fn declared(&self, step: u16) -> Result<&'a Opening, MpcError> {
        let declared = self.plan().tasks[self.task as usize].steps.openings.get(step as usize);
        declared.ok_or_else(|| MpcError::Internal(format!("task {} opens more than it declared", self.task)))
    }

    /// Sends a share, of which `finish` completes each part.
    fn post_share(
        &self,
        step: u16,
        mut share: Vec<u64>,
        kind: FrameKind,
        finish: impl Fn(Range<usize>, &mut [u64]) -> Result<(), MpcError>,
    ) -> Result<OpeningFuture<'a>, MpcError> {
        let declared = self.declared(step)?.item.words();
        if share.len() != declared {
            let reason = format!("task {} opens {} words, declared {declared}", self.task, share.len());
            return Err(MpcError::Internal(reason));
        }
        self.post(step, kind, |part| {
            let whole = part.len() == share.len();
            let mut words = if whole { std::mem::take(&mut share) } else { share[part.clone()].to_vec() };
            finish(part, &mut words)?;
            Ok(words)
        })
    }

    /// Sends this party's part of an opening to who receives it, each part as soon as `words` has made it.
    fn post(
        &self,
        step: u16,
        kind: FrameKind,
        mut words: impl FnMut(Range<usize>) -> Result<Vec<u64>, MpcError>,
    ) -> Result<OpeningFuture<'a>, MpcError> {
        let (eval, opening) = (self.eval, self.declared(step)?);
        let receivers: Vec<usize> = match &opening.to {
            Receivers::All => (0..self.plan().parties()).collect(),
            Receivers::Only(to) => to.clone(),
        };
        let mut own = Vec::new();
        for part in opening.item.parts() {
            let words = Arc::new(words(part)?);
            for &peer in receivers.iter().filter(|&&peer| peer != eval.me) {
                let frame = Frame::new(eval.number, self.task, step, kind, Payload::from(words.clone()));
                eval.config.hooks.sent(eval.me, peer, &frame);
                let posted = eval.endpoint.post(MemberId(peer as u16), frame);
                posted.map_err(|source| eval.fail(self.task, source))?;
            }
            own.push(words);
        }
        self.wait(step, kind, own)
    }

    /// The opening that ends with the round, of which this party sent `own`.
    fn wait(
        &self,
        step: u16,
        kind: FrameKind,
        own: Vec<Arc<Vec<u64>>>,
    ) -> Result<OpeningFuture<'a>, MpcError> {
        let (eval, key, opening) = (self.eval, (self.task, step), self.declared(step)?.clone());
        eval.pending.borrow_mut().insert(key, Pending { opening, kind, own, done: None });
        Ok(OpeningFuture { eval, key })
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
