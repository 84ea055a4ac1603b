//! What a task will receive from the dealer and open with the others, known from types and proven ranges alone.

use std::ops::Range;

use crate::blocks::Unit;

/// Words of a part of an opening, 2 MiB: what a frame costs is little against it.
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

    /// The words that travel in a frame of their own, in order. An opening of many words is sent in parts, so that its first are
    /// on their way, and added by who receives them, while others are computed.
    pub(crate) fn parts(self) -> impl Iterator<Item = Range<usize>> {
        let words = self.words();
        let last = words.div_ceil(PART).max(1) - 1;
        (0..=last).map(move |i| i * PART..((i + 1) * PART).min(words))
    }

    /// What an element takes.
    pub fn unit(self) -> Unit {
        match self {
            Item::Ring(_) | Item::Bits(_) => Unit::Word,
            Item::Narrow { width, .. } => Unit::Narrow(width as usize),
        }
    }

    /// Elements in a word, of an item whose elements are not bits.
    pub(crate) fn lanes(self) -> usize {
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

/// Who sends in an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Every computing party sends its masked share to every other.
    All,
    /// The owner of a value, who alone masks it, sends to every other computing party. It may be a data owner.
    Owner(usize),
}

/// Who receives in an opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receivers {
    /// Every computing party.
    All,
    /// The named members, computing parties or data owners: a reveal.
    Only(Vec<usize>),
}

/// One opening. Each is one round of its task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// What a sender sends to each receiver.
    pub item: Item,
    /// Who sends.
    pub from: Sender,
    /// Who receives.
    pub to: Receivers,
}

impl Opening {
    /// An opening by all parties to all parties.
    pub fn all(item: Item) -> Opening {
        Opening { item, from: Sender::All, to: Receivers::All }
    }

    /// Payload bytes that a member sends, where so many parties compute.
    pub fn bytes_sent(&self, member: usize, parties: usize) -> u64 {
        let sends = match self.from {
            Sender::All => member < parties,
            Sender::Owner(owner) => owner == member,
        };
        let receivers = match &self.to {
            Receivers::All => (0..parties).filter(|&party| party != member).count(),
            Receivers::Only(to) => to.iter().filter(|&&r| r != member).count(),
        };
        if sends { self.item.bytes() * receivers as u64 } else { 0 }
    }
}

/// The dealt items of a task, all needed when it starts, and its openings in order, a round each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// What the dealer sends, in order.
    pub dealt: Vec<Item>,
    /// What the parties open, in order.
    pub openings: Vec<Opening>,
}

impl Steps {
    /// Bytes of the largest of its messages.
    pub fn largest_message(&self) -> u64 {
        let openings = self.openings.iter().map(|opening| &opening.item);
        self.dealt.iter().chain(openings).map(|item| item.bytes()).max().unwrap_or(0)
    }

    /// Payload bytes that the dealer sends for this task.
    pub fn dealt_bytes(&self) -> u64 {
        self.dealt.iter().map(|item| item.bytes()).sum()
    }
}
