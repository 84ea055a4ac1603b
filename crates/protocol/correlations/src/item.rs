//! Items: the width of a value that is shared, dealt or sent.

use std::ops::Range;

use crate::blocks::Unit;

/// Words of a part of an opening, 2 MiB: large against what a frame costs.
const PART: usize = 1 << 18;

/// One value that is dealt or opened, as it is added and as its size shows on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// Additive shares of this many ring elements.
    Ring(usize),
    /// Additive shares of this many elements modulo 2^width, width one of 8, 16, 32.
    Narrow {
        /// Number of elements.
        elements: usize,
        /// Bits of each.
        width: u32,
    },
    /// XOR shares of this many 64-bit words.
    Bits(usize),
}

impl Item {
    /// The narrowest item that keeps the low `bits` bits of each of `elements` shares.
    pub fn holding(elements: usize, bits: u32) -> Item {
        match bits {
            0..=8 => Item::Narrow { elements, width: 8 },
            9..=16 => Item::Narrow { elements, width: 16 },
            17..=32 => Item::Narrow { elements, width: 32 },
            _ => Item::Ring(elements),
        }
    }

    /// 64-bit words on the wire and in memory; narrow elements are packed.
    pub fn words(self) -> usize {
        match self {
            Item::Ring(n) | Item::Bits(n) => n,
            Item::Narrow { elements, .. } => elements.div_ceil(self.lanes()),
        }
    }

    /// The words that travel in a frame of their own, in order. An opening of many words is sent in parts: the first travel,
    /// and are added by their receivers, while the sender computes others.
    pub fn parts(self) -> impl Iterator<Item = Range<usize>> {
        let words = self.words();
        let last = words.div_ceil(PART).max(1) - 1;
        (0..=last).map(move |i| i * PART..((i + 1) * PART).min(words))
    }

    /// The size of an element.
    pub fn unit(self) -> Unit {
        match self {
            Item::Ring(_) | Item::Bits(_) => Unit::Word,
            Item::Narrow { width, .. } => Unit::Narrow(width as usize),
        }
    }

    /// Elements in a word, of an item whose elements are not bits.
    pub fn lanes(self) -> usize {
        match self {
            Item::Ring(_) | Item::Bits(_) => 1,
            Item::Narrow { width, .. } => 64 / width as usize,
        }
    }

    /// Bytes on the wire.
    pub fn bytes(self) -> u64 {
        self.words() as u64 * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_all_words_in_order() {
        for words in [0, 1, PART, PART + 1, 3 * PART] {
            let parts: Vec<Range<usize>> = Item::Ring(words).parts().collect();
            assert_eq!(
                parts.iter().flat_map(Range::clone).collect::<Vec<_>>(),
                (0..words).collect::<Vec<_>>()
            );
            assert_eq!(parts.len(), words.div_ceil(PART).max(1));
        }
    }

    #[test]
    fn items_hold_their_bits_in_as_few_words_as_there_are() {
        for (bits, words) in [(1, 3), (8, 3), (9, 5), (16, 5), (17, 9), (32, 9), (33, 17), (64, 17)] {
            assert_eq!(Item::holding(17, bits).words(), words, "{bits} bits");
        }
    }
}
