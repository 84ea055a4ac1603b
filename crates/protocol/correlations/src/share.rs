//! Types of shares: which of a party's words may be sent.
//!
//! A [`Share`] and a [`Mask`] stay at their party. Only [`Outgoing`] words are sent in an opening, and two functions make
//! them of a share: [`Share::masked`] adds a mask, and [`Share::disclosed`] opens the value to its receivers, on purpose.
//!
//! A share that is not masked is not sent:
//!
//! ```compile_fail
//! # use tacita_correlations::{Item, MaskStreams, Outgoing, Share, StreamId, Streams};
//! # let streams = Streams::new(vec![Some(tacita_ring::Seed::from_bytes([7; 32]))], None);
//! # let mask = MaskStreams { streams: &streams, holders: 0..1, stream: StreamId::Persistent([1; 32]) };
//! let share = Share::new(vec![1, 2]);
//! let outgoing = Outgoing::from(share);
//! # assert_ne!(outgoing.words(), [1, 2]);
//! # Ok::<(), tacita_correlations::CorrelationError>(())
//! ```
//!
//! A masked one is:
//!
//! ```
//! # use tacita_correlations::{Item, MaskStreams, Outgoing, Share, StreamId, Streams};
//! # let streams = Streams::new(vec![Some(tacita_ring::Seed::from_bytes([7; 32]))], None);
//! # let mask = MaskStreams { streams: &streams, holders: 0..1, stream: StreamId::Persistent([1; 32]) };
//! let share = Share::new(vec![1, 2]);
//! let outgoing = Outgoing::from(share.masked(&mask, Item::Ring(2), 0)?);
//! # assert_ne!(outgoing.words(), [1, 2]);
//! # Ok::<(), tacita_correlations::CorrelationError>(())
//! ```
//!
//! # Security
//! The types guard against a mistake in a protocol, not against a malicious party: words that a party computes with
//! ([`Share::local`]) are plain words.

use std::ops::{Deref, Range};
use std::sync::Arc;

use tacita_ring::{BitTensor, RingTensor, Sign};

use crate::blocks::{Unit, for_each_tile};
use crate::error::CorrelationError;
use crate::item::Item;
use crate::narrow;
use crate::source::{Scratch, Source};
use crate::streams::{StreamId, Streams};

/// A party's share of a value: of a tensor, of packed words, or a [`Source`] of them.
#[derive(Clone)]
pub struct Share<T>(T);

/// A party's share of a mask.
#[derive(Clone)]
pub struct Mask<T>(T);

/// A value under its mask, x + r, or a part of it: all parties may know it.
#[derive(Clone, Default)]
pub struct Masked<T>(T);

/// The words that the trusted dealer sends to one party: its share of a dealt value, which no other party knows.
#[derive(Clone)]
pub struct Correction(Vec<u64>);

/// Words of an opening that a party may send.
pub struct Outgoing(Vec<u64>);

/// Shares of ring elements.
pub type RingShare = Share<Arc<RingTensor>>;
/// Shares of bits.
pub type BitShare = Share<Arc<BitTensor>>;
/// Shares of the masks of ring elements.
pub type RingMaskShare = Mask<Arc<RingTensor>>;
/// Ring elements under masks.
pub type RingMasked = Masked<Arc<RingTensor>>;
/// Bits under masks.
pub type BitMasked = Masked<Arc<BitTensor>>;

impl<T> Share<T> {
    /// A share that a party computed or read.
    pub fn new(share: T) -> Share<T> {
        Share(share)
    }

    /// The share, to compute with at this party.
    pub fn local(&self) -> &T {
        &self.0
    }

    /// The share by value, to compute with at this party.
    pub fn into_local(self) -> T {
        self.0
    }
}

impl Share<Vec<u64>> {
    /// Adds a mask. These are the words from `first` on of an item.
    ///
    /// # Errors
    /// If a seed is missing.
    ///
    /// # Security
    /// The mask's stream must serve no other value: its address is that of this value's opening alone.
    pub fn masked(
        self,
        mask: &MaskStreams<'_>,
        item: Item,
        first: usize,
    ) -> Result<Masked<Vec<u64>>, CorrelationError> {
        let mut words = self.0;
        for_each_tile(words.len(), [(&mut words, Unit::Word)], &|range, [words]| {
            for holder in mask.holders.clone() {
                mask.streams.apply(holder, mask.stream, item, first + range.start, words, Sign::Plus)?;
            }
            Ok(())
        })?;
        Ok(Masked(words))
    }

    /// Adds this party's part of a fresh sharing of zero. These are the words from `first` on of an item. Receivers learn the
    /// sum of all parties' shares, the value, and nothing else.
    ///
    /// # Errors
    /// If a seed is missing.
    ///
    /// # Security
    /// The value is opened without a mask. Only a reveal, and outcomes that do not depend on data, may go this way.
    pub fn disclosed(
        self,
        zero: &ZeroSharing<'_>,
        item: Item,
        first: usize,
    ) -> Result<Outgoing, CorrelationError> {
        let mut words = self.0;
        for other in (0..zero.parties).filter(|&other| other != zero.me) {
            let sign = if zero.me < other { Sign::Plus } else { Sign::Minus };
            zero.pairwise.apply(other, zero.stream, item, first, &mut words, sign)?;
        }
        Ok(Outgoing(words))
    }
}

impl RingShare {
    /// Some elements, packed as an item's elements are.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn packed(&self, item: Item, elements: Range<usize>) -> Share<Vec<u64>> {
        Share(narrow::packed(item, &self.0.data()[elements]))
    }
}

impl<T> Mask<T> {
    /// A party's share of a mask.
    pub fn new(mask: T) -> Mask<T> {
        Mask(mask)
    }

    /// The mask, to compute with at this party.
    pub fn local(&self) -> &T {
        &self.0
    }

    /// The mask by value, to compute with at this party.
    pub fn into_local(self) -> T {
        self.0
    }
}

impl<T> Masked<T> {
    /// A value that all parties know: it was opened, or it is public.
    pub fn known(value: T) -> Masked<T> {
        Masked(value)
    }

    /// The value itself.
    pub fn into_known(self) -> T {
        self.0
    }
}

impl<T> Deref for Masked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Share<Source<'_>> {
    /// Some words of the share: see [`Source::read`].
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn read<'s>(
        &'s self,
        range: Range<usize>,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [u64], CorrelationError> {
        self.0.read(range, scratch)
    }

    /// Some elements of the share, each widened to a word: see [`Source::elements`].
    ///
    /// # Errors
    /// As [`Source::elements`].
    pub fn elements(
        &self,
        range: &Range<usize>,
        bits: u32,
        scratch: &mut Scratch,
    ) -> Result<Vec<u64>, CorrelationError> {
        self.0.elements(range, bits, scratch)
    }
}

impl Mask<Source<'_>> {
    /// Some words of the mask: see [`Source::read`].
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn read<'s>(
        &'s self,
        range: Range<usize>,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [u64], CorrelationError> {
        self.0.read(range, scratch)
    }
}

impl Correction {
    /// The words that a dealer computed, or that a party received.
    pub fn new(words: Vec<u64>) -> Correction {
        Correction(words)
    }

    /// The words by value.
    pub fn into_words(self) -> Vec<u64> {
        self.0
    }
}

impl Outgoing {
    /// The words.
    pub fn words(&self) -> &[u64] {
        &self.0
    }

    /// The words by value.
    pub fn into_words(self) -> Vec<u64> {
        self.0
    }
}

impl From<Masked<Vec<u64>>> for Outgoing {
    fn from(masked: Masked<Vec<u64>>) -> Outgoing {
        Outgoing(masked.0)
    }
}

/// The mask of an opening, or a party's part of it: the sum of the streams of some holders.
#[derive(Clone)]
pub struct MaskStreams<'a> {
    /// This member's streams.
    pub streams: &'a Streams,
    /// The holders whose streams add up to the mask.
    pub holders: Range<usize>,
    /// Their address.
    pub stream: StreamId,
}

/// A party's part of a fresh sharing of zero among all parties.
#[derive(Clone)]
pub struct ZeroSharing<'a> {
    /// The seeds that the party shares with each other one.
    pub pairwise: &'a Streams,
    /// The party.
    pub me: usize,
    /// Number of computing parties.
    pub parties: usize,
    /// The address of the sharing.
    pub stream: StreamId,
}

#[cfg(test)]
mod tests {
    use tacita_ring::Seed;

    use super::*;
    use crate::streams::Use;

    const STREAM: StreamId = StreamId::Evaluation { evaluation: 1, task: 2, purpose: Use::Mask(0) };

    fn seed(a: usize, b: usize) -> Option<Seed> {
        Some(Seed::from_bytes([(a.min(b) * 16 + a.max(b)) as u8; 32]))
    }

    #[test]
    fn masked_parts_are_parts_of_the_masked_value() {
        let streams = Streams::new((0..3).map(|holder| seed(holder, holder)).collect(), None);
        let mask = MaskStreams { streams: &streams, holders: 1..3, stream: STREAM };
        for item in [Item::Ring(40_000), Item::Bits(40_000), Item::holding(160_000, 16)] {
            let share: Vec<u64> = (0..40_000).collect();
            let whole = Share::new(share.clone()).masked(&mask, item, 0).unwrap();
            let mut want = share.clone();
            for holder in 1..3 {
                let stream = streams.words(holder, STREAM, 0, share.len()).unwrap();
                narrow::combine(item, &mut want, &stream, Sign::Plus);
            }
            assert_eq!(*whole, want);
            let part = Share::new(share[777..5000].to_vec()).masked(&mask, item, 777).unwrap();
            assert_eq!(part[..], whole[777..5000]);
        }
    }

    #[test]
    fn disclosed_shares_add_up_to_the_value_and_are_fresh() {
        for item in [Item::Ring(100), Item::Bits(100)] {
            let mut sum = vec![0; 100];
            for me in 0..3 {
                let pairwise = Streams::new((0..3).map(|other| seed(me, other)).collect(), None);
                let zero = ZeroSharing { pairwise: &pairwise, me, parties: 3, stream: STREAM };
                let share = vec![me as u64 + 1; 100];
                let sent = Share::new(share.clone()).disclosed(&zero, item, 0).unwrap();
                assert!(sent.words().iter().zip(&share).all(|(sent, share)| sent != share));
                narrow::combine(item, &mut sum, sent.words(), Sign::Plus);
            }
            let value = if matches!(item, Item::Bits(_)) { 1 ^ 2 ^ 3 } else { 6 };
            assert_eq!(sum, [value; 100]);
        }
    }
}
