//! The frames that have come from one peer.

use std::collections::VecDeque;
use std::time::Instant;

use crate::frame::{AbortNotice, Frame, Place};

/// Bytes that a frame takes beside its payload: its place in a queue that grows by doubling, and the buffer's own. The
/// estimate is high, so that a peer cannot fill the memory with empty frames.
const FRAME: usize = 256;

/// The frames of one peer, in order, and how they end.
#[derive(Default)]
pub(super) struct Queue {
    /// Frames and the times at which they arrive; `None` is at once.
    pub(super) frames: VecDeque<(Option<Instant>, Frame)>,
    /// Bytes of all their payloads.
    pub(super) payload: usize,
    /// Whether a link holds back a frame for which there is no room.
    pub(super) full: bool,
    pub(super) abort: Option<(Option<Instant>, AbortNotice)>,
    pub(super) end: Option<End>,
    /// The place that the peer last reported.
    pub(super) place: Place,
    /// For a frame that is arriving: the bytes received, and its length.
    pub(super) partial: (usize, usize),
}

/// The reason why a peer sends no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// It closed its end, as a member does when it leaves.
    Closed,
    /// Its connection ended in the middle of a frame.
    Cut(String),
    /// It sent a frame longer than the limit.
    TooLong { length: u64, limit: u64 },
    /// It sent bytes that are not a frame.
    Malformed(String),
}

impl Queue {
    /// Bytes that the queue holds.
    fn held(&self) -> usize {
        self.payload + self.frames.len() * FRAME
    }

    /// Whether something that arrives at this time has arrived.
    pub(super) fn is_there(at: Option<Instant>, now: Instant) -> bool {
        at.is_none_or(|at| at <= now)
    }

    /// Payload bytes of the frames that have arrived.
    pub(super) fn arrived(&self, now: Instant) -> usize {
        match self.frames.back() {
            Some((last, _)) if !Self::is_there(*last, now) => {
                let there = self.frames.iter().take_while(|(at, _)| Self::is_there(*at, now));
                there.map(|(_, frame)| frame.payload.len()).sum()
            }
            _ => self.payload,
        }
    }

    /// Whether a frame with so many bytes of payload has room; an empty queue has room for any.
    pub(super) fn admits(&self, payload: usize, limit: usize) -> bool {
        self.frames.is_empty() || self.held().saturating_add(FRAME).saturating_add(payload) <= limit
    }
}
