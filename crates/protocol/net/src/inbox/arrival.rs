//! The outcomes of a wait.

use std::time::Duration;

use super::queue::End;
use crate::frame::{AbortNotice, Frame};

/// The outcome of a wait for a frame.
pub(crate) enum Arrival {
    Frame(Frame),
    /// The peer of this index stopped the session.
    Abort(usize, AbortNotice),
    End(End),
    Timeout,
    Trouble(Trouble),
}

/// A failure that ends a wait for any peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// This member was told to stop.
    Interrupted(String),
    /// A peer's connection ended in error.
    Ended(usize, End),
    /// A peer sent nothing for so long, not even a heartbeat.
    Silent(usize, Duration),
}
