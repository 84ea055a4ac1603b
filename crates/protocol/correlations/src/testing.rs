//! Masks that a test knows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tacita_ring::{BitTensor, RingTensor};

use crate::error::CorrelationError;
use crate::item::Item;
use crate::masks::Masks;
use crate::narrow;
use crate::spec::ValueId;

/// Masks of values by number, and masks of openings and permutations that follow from their address.
#[derive(Default)]
pub struct KnownMasks {
    /// Masks of ring values.
    pub values: BTreeMap<u32, RingTensor>,
    /// The parts of these that one party draws.
    pub own: BTreeMap<(u32, usize), RingTensor>,
    /// Masks of bits.
    pub planes: BTreeMap<u32, BitTensor>,
}

/// Numbers that look random, different for each `stream`.
pub fn noise(stream: u64, at: usize) -> u64 {
    let mut z = (stream << 32).wrapping_add(at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

impl KnownMasks {
    /// Element `e` of the masks of an opening of ring elements, of which the item keeps the low bits.
    pub fn step_element(step: u16, item: Item, e: usize) -> u64 {
        let words: Vec<u64> = (0..item.words()).map(|at| noise(u64::from(step), at)).collect();
        narrow::unpack(item, &words)[e]
    }

    /// The bit of element `e` in a plane of the masks of an opening of bits, whose planes begin at a word.
    pub fn step_bit(step: u16, first: usize, planes: usize, elements: usize, plane: usize, e: usize) -> bool {
        let words = (0..elements.div_ceil(64) * planes).map(|at| noise(u64::from(step), first + at));
        BitTensor::from_words(elements, planes, words.collect()).get(e, plane)
    }
}

impl Masks for KnownMasks {
    fn value(&mut self, value: ValueId) -> Result<Arc<RingTensor>, CorrelationError> {
        let missing = CorrelationError::Missing { what: "mask", value: value.0 };
        self.values.get(&value.0).cloned().map(Arc::new).ok_or(missing)
    }

    fn others(&mut self, value: ValueId, party: usize) -> Result<Option<Arc<RingTensor>>, CorrelationError> {
        let mut others = RingTensor::clone(&*self.value(value)?);
        if let Some(own) = self.own.get(&(value.0, party)) {
            others.sub_assign(own);
        }
        Ok(Some(Arc::new(others)))
    }

    fn planes(&mut self, value: ValueId) -> Result<Arc<BitTensor>, CorrelationError> {
        let missing = CorrelationError::Missing { what: "bits", value: value.0 };
        self.planes.get(&value.0).cloned().map(Arc::new).ok_or(missing)
    }

    fn step(&self, step: u16, _: Item, words: Range<usize>) -> Result<Vec<u64>, CorrelationError> {
        Ok(words.map(|at| noise(u64::from(step), at)).collect())
    }

    fn permutation(&self, party: usize, words: usize) -> Result<Vec<u64>, CorrelationError> {
        Ok((0..words).map(|at| noise(1000 + party as u64, at)).collect())
    }
}
