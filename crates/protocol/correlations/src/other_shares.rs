//! The shares of a dealt value that parties draw from their streams.

use crate::error::CorrelationError;
use crate::item::Item;
use crate::streams::{StreamId, Streams};
use tacita_ring::Sign;

/// The shares of one dealt value at all parties but the receiver of the correction.
pub struct OtherShares<'a> {
    /// How shares are added.
    pub item: Item,
    /// The dealer's streams.
    pub streams: &'a Streams,
    /// The address of the shares.
    pub stream: StreamId,
    /// The parties that draw their shares.
    pub holders: &'a [usize],
}

impl OtherShares<'_> {
    /// Takes the shares off the words of the value from `first` on. The rest is the receiver's share, the correction.
    ///
    /// # Errors
    /// If a seed is missing.
    pub fn take_off(&self, first: usize, value: &mut [u64]) -> Result<(), CorrelationError> {
        for &holder in self.holders {
            self.streams.apply(holder, self.stream, self.item, first, value, Sign::Minus)?;
        }
        Ok(())
    }
}
