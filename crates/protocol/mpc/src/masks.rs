//! The masks of an evaluation, as the dealer computes them from the seeds of all parties.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tacita_correlations::{CorrelationError, Item, Masks, StreamId, Streams, Use, ValueId, narrow};
use tacita_program::{RingId, RingType};
use tacita_ring::{BitTensor, RingTensor};

use crate::linear;
use crate::plan::Plan;
use crate::sizes::elements;

/// The masks of one evaluation, at one of its tasks.
pub(crate) struct EvaluationMasks<'a> {
    plan: &'a Plan,
    number: u64,
    streams: &'a Streams,
    public: &'a BTreeMap<RingId, Arc<RingTensor>>,
    task: u32,
    /// Masks that later tasks use again.
    values: BTreeMap<RingId, Arc<RingTensor>>,
    /// Masks of bits that this task uses.
    planes: BTreeMap<ValueId, Arc<BitTensor>>,
}

impl<'a> EvaluationMasks<'a> {
    /// The masks of the evaluation of this number. `public` holds the public values that masks are multiplied by.
    pub fn new(
        plan: &'a Plan,
        number: u64,
        streams: &'a Streams,
        public: &'a BTreeMap<RingId, Arc<RingTensor>>,
    ) -> EvaluationMasks<'a> {
        let (values, planes) = (BTreeMap::new(), BTreeMap::new());
        EvaluationMasks { plan, number, streams, public, task: 0, values, planes }
    }

    /// Goes to a task.
    pub fn enter(&mut self, task: u32) {
        self.task = task;
        self.planes.clear();
    }

    /// Forgets a mask that no later task uses.
    pub fn forget(&mut self, id: RingId) {
        self.values.remove(&id);
    }

    /// The mask of an opened value.
    pub fn mask(&mut self, id: RingId) -> Result<Arc<RingTensor>, CorrelationError> {
        if let Some(mask) = self.values.get(&id) {
            return Ok(mask.clone());
        }
        let (plan, known) = (self.plan, &self.values);
        let mut fresh = Vec::new();
        let mask = linear::mask(
            plan.values(),
            id,
            |source| {
                if let Some(mask) = known.get(&source) {
                    return Ok(Some(mask.clone()));
                }
                let mask = self.sum_of_streams(source, plan.mask_streams(source))?;
                fresh.push((source, mask.clone()));
                Ok(Some(mask))
            },
            |id| self.public_value(id),
        )?;
        self.values.extend(fresh);
        let mask = mask.ok_or_else(|| missing("mask", id))?;
        self.values.insert(id, mask.clone());
        Ok(mask)
    }

    /// The sum of these streams in the mask of a value that has one of its own.
    fn sum_of_streams(
        &self,
        id: RingId,
        holders: impl IntoIterator<Item = usize>,
    ) -> Result<Arc<RingTensor>, CorrelationError> {
        let (stream, item) = (self.plan.mask_stream(self.number, id)?, self.plan.masked_as(id));
        let sum = narrow::unpacked(item, self.streams.sum(holders, stream, item, 0..item.words())?);
        Ok(Arc::new(RingTensor::new(self.plan.node(id).shape.clone(), sum)))
    }

    fn public_value(&self, id: RingId) -> Result<Arc<RingTensor>, CorrelationError> {
        linear::known(self.plan.values(), self.public, id).ok_or_else(|| missing("public value", id))
    }

    fn stream(&self, purpose: Use) -> StreamId {
        StreamId::Evaluation { evaluation: self.number, task: self.task, purpose }
    }
}

impl Masks for EvaluationMasks<'_> {
    fn value(&mut self, value: ValueId) -> Result<Arc<RingTensor>, CorrelationError> {
        self.mask(RingId(value.0))
    }

    fn others(&mut self, value: ValueId, party: usize) -> Result<Option<Arc<RingTensor>>, CorrelationError> {
        let plan = self.plan;
        linear::mask(
            plan.values(),
            RingId(value.0),
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

    fn planes(&mut self, value: ValueId) -> Result<Arc<BitTensor>, CorrelationError> {
        if let Some(planes) = self.planes.get(&value) {
            return Ok(planes.clone());
        }
        let id = RingId(value.0);
        let node = self.plan.node(id);
        let RingType::Bits { planes } = node.ty else { return Err(missing("bits", id)) };
        let (stream, item) = (self.plan.mask_stream(self.number, id)?, self.plan.masked_as(id));
        let words = self.streams.sum(0..self.plan.parties(), stream, item, 0..item.words())?;
        let tensor = Arc::new(BitTensor::from_words(elements(node), planes, words));
        self.planes.insert(value, tensor.clone());
        Ok(tensor)
    }

    fn step(&self, step: u16, item: Item, words: Range<usize>) -> Result<Vec<u64>, CorrelationError> {
        self.streams.sum(0..self.plan.parties(), self.stream(Use::Mask(step)), item, words)
    }

    fn permutation(&self, party: usize, words: usize) -> Result<Vec<u64>, CorrelationError> {
        self.streams.words(party, self.stream(Use::Permutation), 0, words)
    }
}

fn missing(what: &'static str, id: RingId) -> CorrelationError {
    CorrelationError::Missing { what, value: id.0 }
}
