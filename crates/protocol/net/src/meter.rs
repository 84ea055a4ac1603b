//! The traffic sent and received, by peer, task and phase.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::MemberId;

/// The part of an evaluation to which traffic is charged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Phase {
    /// Work done once a session: connections, seeds, weights.
    #[default]
    Setup,
    /// Correlations from the trusted dealer.
    Offline,
    /// The computing parties' exchange after the inputs are there.
    Online,
}

/// Traffic in one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flow {
    /// Number of frames.
    pub messages: u64,
    /// Bytes of their payloads.
    pub payload: u64,
    /// Bytes on the wire: payloads, headers, and over TLS the records around them (not TCP's and IP's headers).
    pub wire: u64,
}

/// Traffic in both directions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Counted when a frame is posted.
    pub sent: Flow,
    /// Counted when a frame is consumed, in the phase in which it is consumed.
    pub received: Flow,
}

impl Add for Flow {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            payload: self.payload + other.payload,
            wire: self.wire + other.wire,
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { sent: self.sent + other.sent, received: self.received + other.received }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

/// A table of traffic by peer, task and phase, in that order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    table: BTreeMap<(MemberId, u32, Phase), Counts>,
}

impl Traffic {
    /// Every entry, ordered by peer, task and phase.
    pub fn iter(&self) -> impl Iterator<Item = ((MemberId, u32, Phase), Counts)> + '_ {
        self.table.iter().map(|(&key, &counts)| (key, counts))
    }

    /// The sum of all entries.
    pub fn total(&self) -> Counts {
        self.table.values().copied().sum()
    }

    /// The sum over one peer's entries.
    pub fn with_peer(&self, peer: MemberId) -> Counts {
        self.sum_where(|(with, _, _)| with == peer)
    }

    /// The sum over one task's entries.
    pub fn of_task(&self, task: u32) -> Counts {
        self.sum_where(|(_, of, _)| of == task)
    }

    /// The sum over one phase's entries.
    pub fn in_phase(&self, phase: Phase) -> Counts {
        self.sum_where(|(_, _, at)| at == phase)
    }

    /// The sum over the entries whose key the condition admits.
    pub fn sum_where(&self, admits: impl Fn((MemberId, u32, Phase)) -> bool) -> Counts {
        self.iter().filter(|(key, _)| admits(*key)).map(|(_, counts)| counts).sum()
    }
}

/// Counts an endpoint's traffic. Aborts are not counted.
#[derive(Debug, Default)]
pub struct Meter {
    traffic: Mutex<Traffic>,
}

impl Meter {
    /// The counts since the beginning or the last reset.
    pub fn snapshot(&self) -> Traffic {
        self.lock().clone()
    }

    /// Sets every count to zero and returns what was counted.
    pub fn reset(&self) -> Traffic {
        std::mem::take(&mut *self.lock())
    }

    pub(crate) fn sent(&self, to: MemberId, task: u32, phase: Phase, payload: usize, wire: u64) {
        self.count(to, task, phase, Counts { sent: Self::one(payload, wire), ..Counts::default() });
    }

    pub(crate) fn received(&self, from: MemberId, task: u32, phase: Phase, payload: usize, wire: u64) {
        self.count(from, task, phase, Counts { received: Self::one(payload, wire), ..Counts::default() });
    }

    fn one(payload: usize, wire: u64) -> Flow {
        Flow { messages: 1, payload: payload as u64, wire }
    }

    fn count(&self, peer: MemberId, task: u32, phase: Phase, counts: Counts) {
        *self.lock().table.entry((peer, task, phase)).or_default() += counts;
    }

    fn lock(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
