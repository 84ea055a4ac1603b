//! Where every random value comes from: one stream for each correlation, addressed, never consumed.
//!
//! The position of a value is (seed, evaluation, task, use, index, element), so a mask can be regenerated at any
//! time instead of being stored, at the party and at the dealer alike, and two tasks cannot take the same one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use tacita_ring::{Generator, Seed, Sign};

use crate::error::CorrelationError;
use crate::item::Item;
use crate::narrow;

/// What a stream is used for. Two uses never share a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Use {
    /// The mask of the task's opening of this index.
    Mask(u16),
    /// A party's share of the task's dealt item of this index.
    Dealt(u16),
    /// Part of a fresh sharing of zero, between two parties, for the task's reveal of this index.
    Zero(u16),
    /// The draws of the permutation by which a party shuffles.
    Permutation,
    /// A party's contribution to a value that nobody knows, from the seed that it has alone.
    Own,
}

/// The address of one stream under one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// Masks of a value that lives as long as the session (a weight), by the value's identity.
    Persistent([u8; 32]),
    /// A correlation of one evaluation.
    Evaluation {
        /// The evaluation's number in the session; each is used once.
        evaluation: u64,
        /// The task in the plan.
        task: u32,
        /// What for.
        purpose: Use,
    },
}

impl StreamId {
    /// The generator of this stream.
    pub fn generator(&self, seed: &Seed) -> Generator {
        let mut label = [0u8; 48];
        let used = match self {
            StreamId::Persistent(key) => {
                label[0] = 1;
                label[1..33].copy_from_slice(key);
                33
            }
            StreamId::Evaluation { evaluation, task, purpose } => {
                let (kind, index): (u8, u16) = match purpose {
                    Use::Mask(i) => (2, *i),
                    Use::Dealt(i) => (3, *i),
                    Use::Zero(i) => (4, *i),
                    Use::Permutation => (5, 0),
                    Use::Own => (6, 0),
                };
                label[0] = kind;
                label[1..9].copy_from_slice(&evaluation.to_le_bytes());
                label[9..13].copy_from_slice(&task.to_le_bytes());
                label[13..15].copy_from_slice(&index.to_le_bytes());
                15
            }
        };
        Generator::new(seed, &label[..used])
    }
}

/// Streams replaced in a test: of the holder, by address.
pub type Overrides = Arc<Mutex<BTreeMap<(usize, StreamId), Vec<u64>>>>;

/// The seeds a member shares with others, by holder: those of a party and the dealer under the party's index, then those
/// of a data owner, a party and the dealer, owner by owner. A member has those that it is one of. Those of two parties are in
/// a table of their own, by the other's index; under a party's own index it has the seed that the party has alone.
pub struct Streams {
    seeds: Vec<Option<Seed>>,
    overrides: Option<Overrides>,
}

impl Streams {
    /// The streams of these seeds, by holder. A test may replace some.
    pub fn new(seeds: Vec<Option<Seed>>, overrides: Option<Overrides>) -> Streams {
        Streams { seeds, overrides }
    }

    /// Adds the stream, from its word `first` on, to `values`, as the item's elements are added, or takes it off.
    ///
    /// # Errors
    /// If this member shares no seed with a holder.
    pub fn apply(
        &self,
        holder: usize,
        id: StreamId,
        item: Item,
        first: usize,
        values: &mut [u64],
        sign: Sign,
    ) -> Result<(), CorrelationError> {
        match (item, sign, self.in_place(holder)) {
            (Item::Ring(_), Sign::Plus, Some(seed)) => id.generator(seed).add_to(first as u64, values),
            (Item::Ring(_), Sign::Minus, Some(seed)) => id.generator(seed).sub_from(first as u64, values),
            (Item::Bits(_), _, Some(seed)) => id.generator(seed).xor_to(first as u64, values),
            _ => narrow::combine(item, values, &self.words(holder, id, first, values.len())?, sign),
        }
        Ok(())
    }

    /// The sum of a stream of several holders, a range of its words.
    ///
    /// # Errors
    /// If this member shares no seed with a holder.
    pub fn sum(
        &self,
        holders: impl IntoIterator<Item = usize>,
        id: StreamId,
        item: Item,
        range: Range<usize>,
    ) -> Result<Vec<u64>, CorrelationError> {
        let mut holders = holders.into_iter();
        let mut sum = match holders.next() {
            Some(holder) => self.words(holder, id, range.start, range.len())?,
            None => vec![0; range.len()],
        };
        for holder in holders {
            self.apply(holder, id, item, range.start, &mut sum, Sign::Plus)?;
        }
        Ok(sum)
    }

    /// `len` words of a stream from `first` on.
    ///
    /// # Errors
    /// If this member shares no seed with a holder.
    pub fn words(
        &self,
        holder: usize,
        id: StreamId,
        first: usize,
        len: usize,
    ) -> Result<Vec<u64>, CorrelationError> {
        let mut words = vec![0; len];
        self.fill(holder, id, first, &mut words)?;
        Ok(words)
    }

    /// Writes a stream from its word `first` on to `words`.
    ///
    /// # Errors
    /// If this member shares no seed with the holder.
    pub fn fill(
        &self,
        holder: usize,
        id: StreamId,
        first: usize,
        words: &mut [u64],
    ) -> Result<(), CorrelationError> {
        if let Some(overrides) = &self.overrides {
            let overrides = overrides.lock().unwrap_or_else(|e| e.into_inner());
            if let Some(replaced) = overrides.get(&(holder, id)) {
                words.copy_from_slice(&replaced[first..first + words.len()]);
                return Ok(());
            }
        }
        let seed = self.seeds.get(holder).and_then(Option::as_ref);
        let seed = seed.ok_or(CorrelationError::NoSeed { holder })?;
        id.generator(seed).fill(first as u64, words);
        Ok(())
    }

    /// The seed with which a generator may work on values in place: none if a test replaces streams.
    fn in_place(&self, holder: usize) -> Option<&Seed> {
        self.seeds.get(holder).and_then(Option::as_ref).filter(|_| self.overrides.is_none())
    }
}
