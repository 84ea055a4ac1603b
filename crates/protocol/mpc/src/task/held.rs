//! The values that a party holds: public ones, shares, masked values and shares of their masks.

use std::sync::Arc;

use tacita_correlations::{
    BitMasked, BitShare, Mask, Masked, RingMaskShare, RingMasked, RingShare, Share, narrow,
};
use tacita_program::RingId;
use tacita_ring::RingTensor;

use super::{TaskContext, missing};
use crate::error::MpcError;
use crate::evaluation::Stored;
use crate::linear::{self, Maybe};
use crate::weights::masked_weight;

impl TaskContext<'_> {
    /// A public value.
    pub fn public(&self, id: RingId) -> Maybe {
        let stored = self.eval.slots.borrow()[id.0 as usize].public.clone();
        stored.or_else(|| linear::uniform(self.plan().node(id)).map(Arc::new))
    }

    /// The masked value; a public value's mask is zero.
    pub fn masked(&self, id: RingId) -> Result<RingMasked, MpcError> {
        if let Some(public) = self.public(id) {
            return Ok(Masked::known(public));
        }
        if let Some(masked) = &self.eval.slots.borrow()[id.0 as usize].masked {
            return Ok(masked.clone());
        }
        match (self.eval.stored(id), self.plan().leaf_key(id)) {
            (Some(Stored::Masked(masked)), _) => Ok(masked.clone()),
            (Some(Stored::Value(value)), Some(key)) => {
                let elements = value.local().data().len();
                let words = masked_weight(self.eval.streams, self.eval.me, key, value, 0..elements)?;
                let shape = value.local().shape().to_vec();
                Ok(Masked::known(Arc::new(RingTensor::new(shape, words.into_known()))))
            }
            _ => Err(missing("the masked value", id)),
        }
    }

    /// This party's additive share; none if it is zero.
    pub fn share(&self, id: RingId) -> Result<Option<RingShare>, MpcError> {
        if let Some(share) = &self.eval.slots.borrow()[id.0 as usize].share {
            return Ok(share.clone());
        }
        match self.eval.stored(id) {
            Some(Stored::Value(value)) => return Ok(Some(value.clone())),
            Some(Stored::Masked(_)) if !self.plan().is_data_owners(id) => return Ok(None),
            _ => {}
        }
        // of x̂ = x + r: x̂ − [r] at the first party, −[r] at the others
        if self.first() {
            return self.masked_less_own_mask(id).map(Some);
        }
        Ok(self.mask(id)?.map(|mask| {
            let mut share = RingTensor::clone(mask.local());
            share.negate();
            Share::new(Arc::new(share))
        }))
    }

    /// A value that this party owns: its share is all of it.
    pub fn owned(&self, id: RingId) -> Result<RingShare, MpcError> {
        if let Some(Some(value)) = &self.eval.slots.borrow()[id.0 as usize].share {
            return Ok(value.clone());
        }
        match self.eval.stored(id) {
            Some(Stored::Value(value)) => Ok(value.clone()),
            _ => self.masked_less_own_mask(id), // its mask is all of the mask
        }
    }

    /// x̂ − [r_x]: a masked value less this party's share of its mask.
    pub fn masked_less_own_mask(&self, id: RingId) -> Result<RingShare, MpcError> {
        let masked = self.masked(id)?;
        match self.mask(id)? {
            None => Ok(Share::new(masked.into_known())),
            Some(mask) => {
                let mut out = RingTensor::clone(&masked);
                out.sub_assign(mask.local());
                Ok(Share::new(Arc::new(out)))
            }
        }
    }

    /// This party's share of the mask of a masked value; none if it is zero.
    pub fn mask(&self, id: RingId) -> Result<Option<RingMaskShare>, MpcError> {
        let base = |id: RingId| -> Result<Maybe, MpcError> {
            let Some(own) = self.plan().own_mask_stream(id, self.eval.me) else { return Ok(None) };
            let node = self.plan().node(id);
            let (stream, item) = (self.plan().mask_stream(self.eval.number, id)?, self.plan().masked_as(id));
            let words = self.eval.streams.words(own, stream, 0, item.words())?;
            Ok(Some(Arc::new(RingTensor::new(node.shape.clone(), narrow::unpacked(item, words)))))
        };
        let mask = linear::mask(self.plan().values(), id, base, |id| {
            self.public(id).ok_or_else(|| missing("the public value", id))
        })?;
        Ok(mask.map(Mask::new))
    }

    /// This party's XOR shares of bits.
    pub fn bits(&self, id: RingId) -> Result<BitShare, MpcError> {
        self.eval.slots.borrow()[id.0 as usize].bits.clone().ok_or_else(|| missing("the bits", id))
    }

    /// The masked bits.
    pub fn masked_bits(&self, id: RingId) -> Result<BitMasked, MpcError> {
        let slots = self.eval.slots.borrow();
        slots[id.0 as usize].masked_bits.clone().ok_or_else(|| missing("the masked bits", id))
    }

    /// This party's share of the mask bits of a value of bits.
    pub fn bit_mask(&self, id: RingId, words: usize) -> Result<Mask<Vec<u64>>, MpcError> {
        let stream = self.plan().mask_stream(self.eval.number, id)?;
        Ok(Mask::new(self.eval.streams.words(self.eval.me, stream, 0, words)?))
    }

    /// The part of a product that was computed before its input came, or before its correction.
    pub fn take_prepared(&self) -> Option<RingTensor> {
        self.eval.prepared.borrow_mut().remove(&self.task)
    }
}
