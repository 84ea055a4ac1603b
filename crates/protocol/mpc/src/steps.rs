//! The steps of a task: the correlations that the dealer deals and the openings, known from types and range bounds alone.

use tacita_correlations::{Correlation, Item};

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

/// The correlations of a task, all needed when it starts, and its openings in order, a round each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// What the dealer deals, in order.
    pub dealt: Vec<Correlation>,
    /// What the parties open, in order.
    pub openings: Vec<Opening>,
}

impl Steps {
    /// Bytes of the largest of its messages.
    pub fn largest_message(&self) -> u64 {
        let openings = self.openings.iter().map(|opening| &opening.item);
        self.dealt.iter().map(|dealt| &dealt.item).chain(openings).map(|item| item.bytes()).max().unwrap_or(0)
    }

    /// Payload bytes that the dealer sends for this task.
    pub fn dealt_bytes(&self) -> u64 {
        self.dealt.iter().map(|dealt| dealt.item.bytes()).sum()
    }
}
