//! What a primitive sees of the dealer.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tacita_net::{Frame, FrameKind, NetError, Payload};
use tacita_program::{RingId, RingType};
use tacita_ring::simd::dispatch;
use tacita_ring::{BitTensor, RingTensor, Sign};

use crate::blocks::{Unit, for_each_tile};
use crate::config::Config;
use crate::error::MpcError;
use crate::linear;
use crate::narrow;
use crate::plan::Plan;
use crate::primitives::elements;
use crate::steps::Item;
use crate::streams::{StreamId, Streams, Use};

/// A task at the dealer.
pub(crate) struct DealContext<'a> {
    pub plan: &'a Plan,
    pub config: &'a Config,
    pub number: u64,
    /// Takes a correction to a party.
    pub deliver: &'a dyn Fn(usize, Frame) -> Result<(), NetError>,
    pub streams: &'a Streams,
    pub public: &'a BTreeMap<RingId, Arc<RingTensor>>,
    /// Masks that later tasks use again.
    pub masks: BTreeMap<RingId, Arc<RingTensor>>,
    pub task: u32,
    pub emitted: usize,
    /// The opening that counts as the first to who deals for a part of the task.
    pub first_step: u16,
}

impl<'a> DealContext<'a> {
    /// The mask of an opened value.
    pub fn mask(&mut self, id: RingId) -> Result<Arc<RingTensor>, MpcError> {
        if let Some(mask) = self.masks.get(&id) {
            return Ok(mask.clone());
        }
        let (plan, masks) = (self.plan, &self.masks);
        let mut fresh = Vec::new();
        let mask = linear::mask(
            plan,
            id,
            |source| {
                if let Some(mask) = masks.get(&source) {
                    return Ok(Some(mask.clone()));
                }
                let mask = self.sum_of_streams(source, plan.mask_streams(source))?;
                fresh.push((source, mask.clone()));
                Ok(Some(mask))
            },
            |id| self.public_value(id),
        )?;
        self.masks.extend(fresh);
        let mask = mask.ok_or_else(|| missing("mask", id))?;
        self.masks.insert(id, mask.clone());
        Ok(mask)
    }

    /// What all parties but one hold of the mask of an opened value; none if it is zero.
    pub fn mask_of_others(&self, id: RingId, party: usize) -> Result<Option<Arc<RingTensor>>, MpcError> {
        let plan = self.plan;
        linear::mask(
            plan,
            id,
            |source| {
                let own = plan.own_mask_stream(source, party);
                let mut others = plan.mask_streams(source).filter(|&holder| Some(holder) != own).peekable();
                match others.peek() {
                    None => Ok(None),
                    Some(_) => self.sum_of_streams(source, others).map(Some),
                }
            },
            |id| self.public_value(id),
        )
    }

    /// What these streams add up to in the mask of a value that has one of its own.
    fn sum_of_streams(
        &self,
        id: RingId,
        holders: impl IntoIterator<Item = usize>,
    ) -> Result<Arc<RingTensor>, MpcError> {
        let (stream, item) = (self.plan.mask_stream(self.number, id)?, self.plan.opened_as(id));
        let sum = narrow::unpacked(item, self.streams.sum(holders, stream, item, 0..item.words())?);
        Ok(Arc::new(RingTensor::new(self.plan.node(id).shape.clone(), sum)))
    }

    fn public_value(&self, id: RingId) -> Result<Arc<RingTensor>, MpcError> {
        linear::known(self.plan, self.public, id).ok_or_else(|| missing("public value", id))
    }

    /// The masks under which bits are opened.
    pub fn bit_mask(&self, id: RingId) -> Result<Vec<u64>, MpcError> {
        let (stream, item) = (self.plan.mask_stream(self.number, id)?, self.plan.opened_as(id));
        self.streams.sum(0..self.plan.parties(), stream, item, 0..item.words())
    }

    /// The same, plane by plane.
    pub fn bit_planes(&self, id: RingId) -> Result<BitTensor, MpcError> {
        let node = self.plan.node(id);
        let planes = match node.ty {
            RingType::Bits { planes } => planes,
            RingType::Ring { .. } => return Err(missing("bits", id)),
        };
        Ok(BitTensor::from_words(elements(node), planes, self.bit_mask(id)?))
    }

    /// The masks of this task's opening `step` of bits.
    pub fn step_masks(&self, step: u16) -> BitMasks<'a> {
        let stream = self.stream(Use::Mask(self.first_step + step));
        BitMasks { plan: self.plan, streams: self.streams, stream }
    }

    /// The masks of this task's opening `step` of ring elements, each a word.
    pub fn step_ring_masks(&self, step: u16, item: Item) -> Result<Vec<u64>, MpcError> {
        let stream = self.stream(Use::Mask(self.first_step + step));
        let sum = self.streams.sum(0..self.plan.parties(), stream, item, 0..item.words())?;
        Ok(narrow::unpacked(item, sum))
    }

    /// So many draws for a party's permutation.
    pub fn permutation(&self, party: usize, draws: usize) -> Result<Vec<u64>, MpcError> {
        self.streams.words(party, self.stream(Use::Permutation), 0, draws)
    }

    fn stream(&self, purpose: Use) -> StreamId {
        StreamId::Evaluation { evaluation: self.number, task: self.task, purpose }
    }

    /// Deals the task's next item: the value less the shares that the other parties expand goes to the receiver.
    pub fn emit(&mut self, mut value: Vec<u64>) -> Result<(), MpcError> {
        self.next_item(value.len())?.conceal(0, &mut value)?;
        self.send(value)
    }

    /// The same of a value of `elements` elements, of which `fill` computes a tile at a time, on several threads if there are.
    /// The shares are taken off while the tile is in the cache.
    pub fn emit_tiles(
        &mut self,
        elements: usize,
        unit: Unit,
        fill: &(impl Fn(Range<usize>, &mut [u64]) -> Result<(), MpcError> + Sync),
    ) -> Result<(), MpcError> {
        let words = unit.words(&(0..elements)).end;
        let item = self.next_item(words)?;
        let mut value = vec![0; words];
        for_each_tile(elements, [(&mut value, unit)], &|range, [out]| {
            let first = unit.words(&range).start;
            fill(range, out)?;
            item.conceal(first, out)
        })?;
        self.send(value)
    }

    /// The same of the numbers `value(e)`, reduced to the item's width.
    pub fn emit_each(
        &mut self,
        elements: usize,
        value: &(impl Fn(usize) -> u64 + Sync),
    ) -> Result<(), MpcError> {
        self.emit_gated(elements, &|_| u64::MAX, value)
    }

    /// The same of `value(e)` where bit e of the words of `gate` is one, and of zero elsewhere.
    pub fn emit_gated(
        &mut self,
        elements: usize,
        gate: &(impl Fn(usize) -> u64 + Sync),
        value: &(impl Fn(usize) -> u64 + Sync),
    ) -> Result<(), MpcError> {
        let item = self.declared()?;
        let unit = item.unit();
        self.emit_tiles(elements, unit, &|range, out| {
            dispatch(
                #[inline(always)]
                || {
                    for start in range.clone().step_by(64) {
                        let (gate, mut values) = (gate(start / 64), [0; 64]);
                        let values = &mut values[..(range.end - start).min(64)];
                        for (k, v) in values.iter_mut().enumerate() {
                            *v = (gate >> k & 1).wrapping_neg() & value(start + k);
                        }
                        let at = start - range.start;
                        narrow::pack(item, &mut out[unit.words(&(at..at + values.len()))], values);
                    }
                },
            );
            Ok(())
        })
    }

    /// What the task declared to deal next.
    fn declared(&self) -> Result<Item, MpcError> {
        let task = &self.plan.tasks[self.task as usize];
        let item = task.steps.dealt.get(self.emitted).copied();
        item.ok_or_else(|| MpcError::Internal(format!("task {} deals more than it declared", self.task)))
    }

    /// The item that is dealt next, if it has so many words.
    fn next_item(&self, words: usize) -> Result<NextItem<'a>, MpcError> {
        let (task, item) = (&self.plan.tasks[self.task as usize], self.declared()?);
        if words != item.words() {
            let reason = format!("task {} deals {words} words, declared {}", self.task, item.words());
            return Err(MpcError::Internal(reason));
        }
        let stream = self.stream(Use::Dealt(self.emitted as u16));
        let (parties, receiver, streams) = (self.plan.parties(), task.receiver, self.streams);
        Ok(NextItem { item, parties, receiver, streams, stream })
    }

    fn send(&mut self, value: Vec<u64>) -> Result<(), MpcError> {
        let task = &self.plan.tasks[self.task as usize];
        let frame = Frame::new(
            self.number,
            self.task,
            self.emitted as u16,
            FrameKind::Correction,
            Payload::from(value),
        );
        self.emitted += 1;
        self.config.hooks.sent(self.plan.parties(), task.receiver, &frame);
        (self.deliver)(task.receiver, frame).map_err(|source| MpcError::Net {
            node: self.plan.task_name(self.task).to_owned(),
            round: task.start + 1,
            source,
        })
    }
}

/// What is dealt, and which streams its shares are.
struct NextItem<'a> {
    item: Item,
    parties: usize,
    receiver: usize,
    streams: &'a Streams,
    stream: StreamId,
}

impl NextItem<'_> {
    /// Takes the shares of all parties but the receiver off the words from `first` on.
    fn conceal(&self, first: usize, value: &mut [u64]) -> Result<(), MpcError> {
        for party in (0..self.parties).filter(|&party| party != self.receiver) {
            self.streams.apply(party, self.stream, self.item, first, value, Sign::Minus)?;
        }
        Ok(())
    }
}

/// The masks under which a task opens bits: what all parties' streams give together.
pub(crate) struct BitMasks<'a> {
    plan: &'a Plan,
    streams: &'a Streams,
    stream: StreamId,
}

impl BitMasks<'_> {
    /// The words of a range.
    pub fn read(&self, range: Range<usize>) -> Result<Vec<u64>, MpcError> {
        self.streams.sum(0..self.plan.parties(), self.stream, Item::Bits(range.len()), range)
    }
}

fn missing(what: &str, id: RingId) -> MpcError {
    MpcError::Internal(format!("the dealer has no {what} of ring node {}", id.0))
}
