//! Masks, as a dealer knows them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use tacita_ring::{BitTensor, RingTensor};

use crate::blocks::Unit;
use crate::error::CorrelationError;
use crate::item::Item;
use crate::narrow;
use crate::spec::{BitMask, RingMask, ValueId, pairs};

/// The masks and permutations of one task, to a dealer that knows all of them.
pub trait Masks: Sync {
    /// The mask of an opened value.
    ///
    /// # Errors
    /// If the value has none.
    fn value(&mut self, value: ValueId) -> Result<Arc<RingTensor>, CorrelationError>;

    /// The mask of an opened value without the part that a party draws; none if nobody else draws one.
    ///
    /// # Errors
    /// If the value has none.
    fn others(&mut self, value: ValueId, party: usize) -> Result<Option<Arc<RingTensor>>, CorrelationError>;

    /// The masks under which a value's planes of bits are opened.
    ///
    /// # Errors
    /// If the value has none.
    fn planes(&mut self, value: ValueId) -> Result<Arc<BitTensor>, CorrelationError>;

    /// Some words of the masks of this task's opening `step`, which is such an item.
    ///
    /// # Errors
    /// If a seed is missing.
    fn step(&self, step: u16, item: Item, words: Range<usize>) -> Result<Vec<u64>, CorrelationError>;

    /// So many uniform words from which a party draws its permutation.
    ///
    /// # Errors
    /// If a seed is missing.
    fn permutation(&self, party: usize, words: usize) -> Result<Vec<u64>, CorrelationError>;
}

impl RingMask {
    /// The numbers; none if all are zero.
    pub(crate) fn read<M: Masks>(&self, masks: &mut M) -> Result<Option<Arc<RingTensor>>, CorrelationError> {
        Ok(match self {
            RingMask::Value(value) => Some(masks.value(*value)?),
            RingMask::Others { value, party } => masks.others(*value, *party)?,
            RingMask::Difference(None, None) => None,
            RingMask::Difference(Some(a), None) => Some(masks.value(*a)?),
            RingMask::Difference(None, Some(b)) => {
                let mut negated = RingTensor::clone(&*masks.value(*b)?);
                negated.negate();
                Some(Arc::new(negated))
            }
            RingMask::Difference(Some(a), Some(b)) => {
                let (a, b) = (masks.value(*a)?, masks.value(*b)?);
                let difference = a.data().iter().zip(b.data()).map(|(a, b)| a.wrapping_sub(*b)).collect();
                Some(Arc::new(RingTensor::new(a.shape().to_vec(), difference)))
            }
            RingMask::PairDifferences { step, item, group } => {
                let masks = narrow::unpacked(*item, masks.step(*step, *item, 0..item.words())?);
                let pairs = pairs(*group);
                let of_group = |group: &[u64]| -> Vec<u64> {
                    pairs.iter().map(|&(i, j)| group[i].wrapping_sub(group[j])).collect()
                };
                let differences: Vec<u64> = masks.chunks_exact(*group).flat_map(of_group).collect();
                Some(Arc::new(RingTensor::new(vec![differences.len()], differences)))
            }
        })
    }

    /// The first `elements` numbers.
    pub(crate) fn numbers<M: Masks>(
        &self,
        elements: usize,
        masks: &mut M,
    ) -> Result<Arc<RingTensor>, CorrelationError> {
        Ok(self.read(masks)?.unwrap_or_else(|| Arc::new(RingTensor::zeros(&[elements]))))
    }
}

/// Planes of mask bits that are read a tile at a time.
pub(crate) enum Planes {
    /// The low bits of numbers.
    Ring(Arc<RingTensor>, usize),
    /// All planes.
    Tensor(Arc<BitTensor>),
    /// A part of the masks of an opening of this task.
    Step { step: u16, first: usize, planes: usize },
}

impl Planes {
    /// The planes of `mask`, of which a reader needs the lowest `used`.
    pub fn of<M: Masks>(
        mask: &BitMask,
        used: usize,
        elements: usize,
        masks: &mut M,
    ) -> Result<Planes, CorrelationError> {
        Ok(match mask {
            BitMask::Ring(mask) => Planes::Ring(mask.numbers(elements, masks)?, used),
            BitMask::Values(values) => Planes::Tensor(match values[..] {
                [value] => masks.planes(value)?,
                _ => {
                    let parts = values.iter().map(|value| masks.planes(*value));
                    let parts = parts.collect::<Result<Vec<_>, _>>()?;
                    let parts: Vec<&BitTensor> = parts.iter().map(|part| &**part).collect();
                    Arc::new(BitTensor::concat_planes(&parts))
                }
            }),
            BitMask::Step { step, first, planes } => {
                Planes::Step { step: *step, first: *first, planes: *planes }
            }
        })
    }

    /// How many planes [`Planes::read`] gives.
    pub fn count(&self) -> usize {
        match self {
            Planes::Ring(_, used) => *used,
            Planes::Tensor(tensor) => tensor.planes(),
            Planes::Step { planes, .. } => *planes,
        }
    }

    /// The words of a tile's elements.
    pub fn read<M: Masks>(
        &self,
        range: &Range<usize>,
        masks: &M,
    ) -> Result<Cow<'_, [u64]>, CorrelationError> {
        let words = Unit::Planes(self.count()).words(range);
        Ok(match self {
            Planes::Ring(numbers, used) => {
                Cow::Owned(BitTensor::from_ring_low(&numbers.data()[range.clone()], *used).into_words())
            }
            Planes::Tensor(tensor) => Cow::Borrowed(&tensor.words()[words]),
            Planes::Step { step, first, .. } => {
                let words = first + words.start..first + words.end;
                Cow::Owned(masks.step(*step, Item::Bits(words.len()), words)?)
            }
        })
    }

    /// One plane of all elements.
    pub fn plane<M: Masks>(
        &self,
        plane: usize,
        elements: usize,
        masks: &M,
    ) -> Result<Vec<u64>, CorrelationError> {
        let all = self.read(&(0..elements), masks)?;
        let tensor = BitTensor::from_words(elements, self.count(), all.into_owned());
        Ok(tensor.slice_planes(plane..plane + 1).into_words())
    }
}
