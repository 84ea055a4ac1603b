//! What can go wrong on a link, always with the peer's name.

use std::time::Duration;

use crate::FrameHeader;

/// A failure on a link. Any of them ends the session: start a new one, never retry under the same number.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum NetError {
    /// The peer closed its end, or its process ended.
    #[error("{peer} closed the connection; see its log for the reason and start a new session")]
    Closed {
        /// Whose end is closed.
        peer: String,
    },
    /// The peer's connection ended in the middle of a frame.
    #[error(
        "the connection from {peer} ended {at}; its process or the network failed: see its log and start a new session"
    )]
    Cut {
        /// Whose connection ended.
        peer: String,
        /// Where in the frame, or what the operating system said.
        at: String,
    },
    /// Nothing complete arrived, or nothing could be sent, in the time allowed.
    #[error(
        "{doing} {peer} took longer than {waited:.1?}{because}; it may be slow, stopped or out of reach: see its log, or allow more time"
    )]
    Timeout {
        /// For whom everybody waited, as far as is known.
        peer: String,
        /// Who waits for whom, and what has come so far; empty or begins with a space.
        because: String,
        /// How long.
        waited: Duration,
        /// At what: "receiving from" or "sending to".
        doing: &'static str,
    },
    /// Nothing came from a peer, not even a heartbeat.
    #[error(
        "{peer} was silent for {seconds:.1} s: its process is stopped, its machine is down, or the network is cut"
    )]
    Silent {
        /// Who is silent.
        peer: String,
        /// For how long.
        seconds: f64,
    },
    /// This member was told to stop.
    #[error("{cause}")]
    Interrupted {
        /// By whom or what.
        cause: String,
    },
    /// This member or a peer does not mean the same session, so one of them refused the other.
    #[error("no session with {peer}: {reason}")]
    Refused {
        /// The other end, whoever of the two refused.
        peer: String,
        /// The reason, as the one who refused gave it.
        reason: String,
    },
    /// A peer's certificate is out of its time, by this machine's clock.
    #[error("{peer}: {cause}, and a new session file with it")]
    Certificate {
        /// Whose certificate.
        peer: String,
        /// Since or until when.
        cause: String,
    },
    /// A member stopped the session and said why.
    #[error("{by} stopped the session{}: {cause}", place(node, *round))]
    Aborted {
        /// Who stopped.
        by: String,
        /// The node at which it stopped; empty if at none.
        node: String,
        /// The round at which it stopped; 0 if in none.
        round: u32,
        /// Its reason, in its words.
        cause: String,
    },
    /// This member has itself stopped the session.
    #[error("this member stopped the session; start a new one")]
    Stopped,
    /// A frame is not the one that the schedule says comes next.
    #[error(
        "{peer} sent {found:?} where {expected:?} was expected; do both run the same version on the same graph?"
    )]
    Unexpected {
        /// Who sent it.
        peer: String,
        /// What should have come.
        expected: FrameHeader,
        /// What came.
        found: FrameHeader,
    },
    /// The peer sent bytes that are no frame.
    #[error("{peer} sent what is not a frame: {what}; do both run the same version?")]
    Malformed {
        /// Who sent them.
        peer: String,
        /// What is wrong with them.
        what: String,
    },
    /// A frame is longer than [`Limits::max_frame`](crate::Limits::max_frame), on its way in or out.
    #[error(
        "a frame of {length} bytes to or from {peer} exceeds the limit of {limit} bytes; send less at once, or raise max_frame at every member"
    )]
    TooLong {
        /// The other end.
        peer: String,
        /// Length as the header says.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// A frame to be posted whose header states another length than its payload has: a mistake in this program.
    #[error("a frame to {peer} states {stated} bytes and carries {carried}; make frames with Frame::new")]
    WrongLength {
        /// To whom it was to go.
        peer: String,
        /// Length in the header.
        stated: u64,
        /// Length of the payload.
        carried: u64,
    },
    /// There is no such peer: the number is this member's own, or beyond the last.
    #[error("member {member} is no peer of {here}, in a session of {members}")]
    NoSuchPeer {
        /// The number asked for.
        member: u16,
        /// Who asked.
        here: String,
        /// How many members the session has.
        members: usize,
    },
    /// The other end is not who it should be, or does not speak our protocol.
    #[error(
        "no secure connection with {peer}: {cause}; compare its certificate and address with the session's"
    )]
    Handshake {
        /// Whom we meant to reach, or the address that reached us.
        peer: String,
        /// What failed.
        cause: String,
    },
    /// The operating system refused something before any peer was involved.
    #[error("{doing} failed: {cause}")]
    System {
        /// What we tried.
        doing: String,
        /// What the operating system said.
        cause: String,
    },
}

impl NetError {
    /// The member that the error is about, if it is about one.
    pub fn peer(&self) -> Option<&str> {
        match self {
            Self::Closed { peer }
            | Self::Cut { peer, .. }
            | Self::Timeout { peer, .. }
            | Self::Silent { peer, .. }
            | Self::Refused { peer, .. }
            | Self::Certificate { peer, .. }
            | Self::Aborted { by: peer, .. }
            | Self::Unexpected { peer, .. }
            | Self::Malformed { peer, .. }
            | Self::TooLong { peer, .. }
            | Self::Handshake { peer, .. } => Some(peer),
            _ => None,
        }
    }
}

/// At which node and in which round, as far as there are any.
fn place(node: &str, round: u32) -> String {
    match (node.is_empty(), round) {
        (true, _) => String::new(),
        (false, 0) => format!(" at `{node}`"),
        (false, round) => format!(" at `{node}`, round {round}"),
    }
}
