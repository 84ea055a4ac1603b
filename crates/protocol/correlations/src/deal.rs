//! The generic dealer: interprets specs.
//!
//! # Security
//! A value is a function of masks alone. The words that leave this module are the receiver's share: the value less the
//! streams of all other parties, each with an address of its own.

use crate::blocks::{Unit, for_each_tile};
use crate::error::CorrelationError;
use crate::item::Item;
use crate::kernels::{Exponentials, bit_products, fourier_terms, numbers, one_hot, product, shuffled};
use crate::masks::Masks;
use crate::shares::OtherShares;
use crate::spec::{Correlation, Spec};
use std::ops::Range;

/// Deals the correlations of one task.
pub struct TaskDealer<'a, M> {
    masks: &'a mut M,
    exponentials: Exponentials,
}

impl<'a, M: Masks> TaskDealer<'a, M> {
    /// A dealer that knows the task's masks.
    pub fn new(masks: &'a mut M) -> TaskDealer<'a, M> {
        TaskDealer { masks, exponentials: Exponentials::default() }
    }

    /// The correction of a correlation: its value less the shares of the other parties.
    ///
    /// # Errors
    /// If a mask or seed is missing, or the value is not of the declared size.
    pub fn deal(
        &mut self,
        correlation: &Correlation,
        shares: &OtherShares<'_>,
    ) -> Result<Vec<u64>, CorrelationError> {
        let masks = &mut *self.masks;
        let out = Out { item: correlation.item, shares };
        match &correlation.spec {
            Spec::Product { map, shape, operands } => out.whole(product::value(map, shape, operands, masks)?),
            Spec::BitProducts { elements, bits, sets } => {
                bit_products::deal(*elements, bits, sets, masks, &out)
            }
            Spec::Numbers { elements, gate, number } => {
                numbers::deal(*elements, gate, number, masks, &mut self.exponentials, &out)
            }
            Spec::OneHot { mask, bits } => out.whole(one_hot::value(mask, *bits, out.item, masks)?),
            Spec::FourierTerms { mask, sum, elements } => {
                fourier_terms::deal(mask, sum, elements, masks, &out)
            }
            Spec::Shuffled { step, party, shuffle } => {
                out.whole(shuffled::value(*step, *party, *shuffle, masks)?)
            }
        }
    }
}

/// Where kernels put a value.
pub(crate) struct Out<'a> {
    /// The width of the value.
    pub item: Item,
    shares: &'a OtherShares<'a>,
}

impl Out<'_> {
    /// A value that is computed as a whole.
    pub fn whole(&self, mut value: Vec<u64>) -> Result<Vec<u64>, CorrelationError> {
        self.check(value.len())?;
        self.shares.take_off(0, &mut value)?;
        Ok(value)
    }

    /// A value of so many elements, each of this size. `fill` computes it a tile at a time, on several threads if there are
    /// some; shares are taken off while the tile is in the cache.
    pub fn tiles(
        &self,
        elements: usize,
        unit: Unit,
        fill: &(impl Fn(Range<usize>, &mut [u64]) -> Result<(), CorrelationError> + Sync),
    ) -> Result<Vec<u64>, CorrelationError> {
        let words = unit.words(&(0..elements)).end;
        self.check(words)?;
        let mut value = vec![0; words];
        for_each_tile(elements, [(&mut value, unit)], &|range, [out]| {
            let first = unit.words(&range).start;
            fill(range, out)?;
            self.shares.take_off(first, out)
        })?;
        Ok(value)
    }

    fn check(&self, dealt: usize) -> Result<(), CorrelationError> {
        let declared = self.item.words();
        if dealt == declared { Ok(()) } else { Err(CorrelationError::Size { dealt, declared }) }
    }
}
