//! When a member did what.

use std::time::Instant;

use tacita_program::RingId;

/// What a member was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Agreeing with the others, opening weights.
    Setup,
    /// Computing for a node what does not depend on the input.
    Prepare(RingId),
    /// Receiving what was dealt for a node: waiting for the dealer, as a rule.
    Correction(RingId),
    /// Computing a node.
    Compute(RingId),
    /// Receiving the openings that end a round, and adding them up: waiting for the other parties, as a rule.
    Round(u32),
    /// Dealing for a node, waits for slow receivers included.
    Deal(RingId),
}

/// From when to when.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// What was done.
    pub doing: Doing,
    /// When it began.
    pub from: Instant,
    /// When it ended.
    pub to: Instant,
}

impl Span {
    /// Something that began then and ends now.
    pub(crate) fn since(from: Instant, doing: Doing) -> Span {
        Span { doing, from, to: Instant::now() }
    }
}
