//! The place where kernels put a value: what leaves it is the receiver's share.

use std::ops::Range;

use crate::blocks::{Unit, for_each_tile};
use crate::error::CorrelationError;
use crate::item::Item;
use crate::other_shares::OtherShares;

/// Where kernels put a value.
pub(crate) struct Out<'a> {
    /// The width of the value.
    pub item: Item,
    shares: &'a OtherShares<'a>,
}

impl<'a> Out<'a> {
    /// A value of this width, whose shares at other parties are taken off.
    pub fn new(item: Item, shares: &'a OtherShares<'a>) -> Out<'a> {
        Out { item, shares }
    }

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
