//! Openings: what a task sends to the others, and what it receives.
//!
//! # Security
//! Only [`Outgoing`] words are sent: a share under its mask, or, in a reveal, under a fresh sharing of zero.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tacita_correlations::{
    BitShare, MaskStreams, Masked, Outgoing, RingShare, Share, Use, ZeroSharing, narrow,
};
use tacita_net::{Frame, FrameKind, MemberId, Payload};
use tacita_program::RingType;
use tacita_ring::{BitTensor, RingTensor};

use super::TaskContext;
use crate::error::MpcError;
use crate::evaluation::{Evaluation, Pending};
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::{Opening, Receivers};

impl<'a> TaskContext<'a> {
    /// Opens a share under a fresh mask, as the step declares. None at a party that is no receiver.
    pub async fn open(
        &self,
        step: u16,
        share: Share<Vec<u64>>,
    ) -> Result<Option<Masked<Vec<u64>>>, MpcError> {
        let (step, mask) = self.own_mask(step);
        let item = self.declared(step)?.item;
        let mut parts = self.parts(step, share)?;
        let opened = self.post(step, FrameKind::Opening, |part| {
            Ok(parts.take(&part).masked(&mask, item, part.start)?.into())
        })?;
        Ok(opened.await?.map(Masked::known))
    }

    /// Opens outcomes that do not depend on data: they need no mask. Returns the outcomes.
    pub async fn open_outcomes(&self, step: u16, bits: BitShare) -> Result<Vec<u64>, MpcError> {
        let mut bits = Arc::unwrap_or_clone(bits.into_local());
        bits.mask_tail();
        let opened = self.disclose(step, Share::new(bits.into_words()), FrameKind::Opening)?;
        Ok(opened.await?.unwrap_or_default())
    }

    /// Reveals a value: sends a share, under a fresh sharing of zero among the parties, to the receivers.
    pub async fn reveal(&self, share: Share<Vec<u64>>) -> Result<Option<Vec<u64>>, MpcError> {
        self.eval.config.hooks.at("reveal", 0);
        self.disclose(0, share, FrameKind::Reveal)?.await
    }

    /// Opens the node's value under its mask: the task of an opening.
    pub async fn open_value(self) -> Result<Output, MpcError> {
        let id = self.plan().tasks[self.task as usize].node;
        let node = self.plan().node(id);
        match node.ty {
            RingType::Bits { planes } => {
                let share = Share::new(self.bits(id)?.local().words().to_vec());
                let words = self.open(0, share).await?.unwrap_or_default();
                let bits = BitTensor::from_words(elements(node), planes, words.into_known());
                Ok(Output::MaskedBits(Masked::known(Arc::new(bits))))
            }
            RingType::Ring { .. } => {
                let silent = self.plan().owner(id).is_some_and(|owner| owner != self.eval.me);
                let opening = if silent {
                    self.wait(0, FrameKind::Opening, vec![])?
                } else {
                    self.post_masked(self.share(id)?.as_ref(), elements(node))?
                };
                let words = opening.await?.unwrap_or_default();
                let words = narrow::unpacked(self.plan().masked_as(id), words);
                Ok(Output::masked(RingTensor::new(node.shape.clone(), words)))
            }
        }
    }

    /// Sends a share of so many elements under the mask of the task's opening, packed part by part. None is zero.
    fn post_masked(&self, share: Option<&RingShare>, elements: usize) -> Result<OpeningFuture<'a>, MpcError> {
        let (step, mask) = self.own_mask(0);
        let item = self.declared(step)?.item;
        self.post(step, FrameKind::Opening, |part| {
            let words = match share {
                Some(share) => {
                    let last = (part.end * item.lanes()).min(elements);
                    share.packed(item, part.start * item.lanes()..last)
                }
                None => Share::new(vec![0; part.len()]),
            };
            Ok(words.masked(&mask, item, part.start)?.into())
        })
    }

    /// Sends a share under a fresh sharing of zero.
    fn disclose(
        &self,
        step: u16,
        share: Share<Vec<u64>>,
        kind: FrameKind,
    ) -> Result<OpeningFuture<'a>, MpcError> {
        let step = self.first.0 + step;
        let (me, parties, pairwise) = (self.eval.me, self.plan().parties(), self.eval.pairwise);
        let zero = ZeroSharing { pairwise, me, parties, stream: self.stream(Use::Zero(step)) };
        let item = self.declared(step)?.item;
        let mut parts = self.parts(step, share)?;
        self.post(step, kind, |part| Ok(parts.take(&part).disclosed(&zero, item, part.start)?))
    }

    /// The number of a part's opening in the task, and this party's part of its mask.
    fn own_mask(&self, step: u16) -> (u16, MaskStreams<'a>) {
        let (step, me) = (self.first.0 + step, self.eval.me);
        let stream = self.stream(Use::Mask(step));
        (step, MaskStreams { streams: self.eval.streams, holders: me..me + 1, stream })
    }

    /// The task's opening `step`.
    fn declared(&self, step: u16) -> Result<&'a Opening, MpcError> {
        let declared = self.plan().tasks[self.task as usize].steps.openings.get(step as usize);
        declared.ok_or_else(|| MpcError::Internal(format!("task {} opens more than it declared", self.task)))
    }

    /// The parts of a share, which must be of the declared size.
    fn parts(&self, step: u16, share: Share<Vec<u64>>) -> Result<Parts, MpcError> {
        let (share, declared) = (share.into_local(), self.declared(step)?.item.words());
        if share.len() != declared {
            let reason = format!("task {} opens {} words, declared {declared}", self.task, share.len());
            return Err(MpcError::Internal(reason));
        }
        Ok(Parts(share))
    }

    /// Sends this party's part of an opening to its receivers, each frame as soon as `words` has made it.
    fn post(
        &self,
        step: u16,
        kind: FrameKind,
        mut words: impl FnMut(Range<usize>) -> Result<Outgoing, MpcError>,
    ) -> Result<OpeningFuture<'a>, MpcError> {
        let (eval, opening) = (self.eval, self.declared(step)?);
        let receivers: Vec<usize> = match &opening.to {
            Receivers::All => (0..self.plan().parties()).collect(),
            Receivers::Only(to) => to.clone(),
        };
        let mut own = Vec::new();
        for part in opening.item.parts() {
            let words = Arc::new(words(part)?.into_words());
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

/// The words of a share that is sent in parts.
struct Parts(Vec<u64>);

impl Parts {
    /// One part; the only one is not copied.
    fn take(&mut self, part: &Range<usize>) -> Share<Vec<u64>> {
        let whole = part.len() == self.0.len();
        Share::new(if whole { std::mem::take(&mut self.0) } else { self.0[part.clone()].to_vec() })
    }
}

/// Resolves at the end of the round: to the opened words at a receiver, to `None` at another party.
struct OpeningFuture<'a> {
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
