//! Errors of links. Each names the peer.

use std::time::Duration;

use crate::FrameHeader;

/// A failure on a link. Every failure ends the session: start a new one, never retry under the same number.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum NetError {
    /// The peer closed its end, or its process ended.
    #[error("{peer} closed the connection; see its log for the reason and start a new session")]
    Closed {
        /// The peer that closed.
        peer: String,
    },
    /// The peer's connection ended in the middle of a frame.
    #[error(
        "the connection from {peer} ended {at}; its process or the network failed: see its log and start a new session"
    )]
    Cut {
        /// The peer whose connection ended.
        peer: String,
        /// The position in the frame, or the operating system's message.
        at: String,
    },
    /// No complete frame arrived, or nothing could be sent, within the time limit.
    #[error(
        "{doing} {peer} took longer than {waited:.1?}{because}; it may be slow, stopped or out of reach: see its log, or allow more time"
    )]
    Timeout {
        /// The member for which everybody waited, as far as is known.
        peer: String,
        /// The chain of waiting members and the bytes that have come; empty or begins with a space.
        because: String,
        /// The time waited.
        waited: Duration,
        /// The activity: "receiving from" or "sending to".
        doing: &'static str,
    },
    /// Nothing came from a peer, not even a heartbeat.
    #[error(
        "{peer} was silent for {seconds:.1} s: its process is stopped, its machine is down, or the network is cut"
    )]
    Silent {
        /// The silent peer.
        peer: String,
        /// The length of the silence.
        seconds: f64,
    },
    /// This member was told to stop.
    #[error("{cause}")]
    Interrupted {
        /// The cause, or who told it to stop.
        cause: String,
    },
    /// This member and a peer expect different sessions, so one of them refused the other.
    #[error("no session with {peer}: {reason}")]
    Refused {
        /// The other end, whichever of the two refused.
        peer: String,
        /// The reason, from the end that refused.
        reason: String,
    },
    /// A peer's certificate is outside its validity period, by this machine's clock.
    #[error("{peer}: {cause}, and a new session file with it")]
    Certificate {
        /// The certificate's holder.
        peer: String,
        /// The date since or until which it is invalid.
        cause: String,
    },
    /// A member stopped the session and gave a cause.
    #[error("{by} stopped the session{}: {cause}", place(node, *round))]
    Aborted {
        /// The member that stopped.
        by: String,
        /// The node at which it stopped; empty if there is none.
        node: String,
        /// The round in which it stopped; 0 if there is none.
        round: u32,
        /// The cause, in its own words.
        cause: String,
    },
    /// This member has itself stopped the session.
    #[error("this member stopped the session; start a new one")]
    Stopped,
    /// A frame other than the one that the schedule expects next.
    #[error(
        "{peer} sent {found:?} where {expected:?} was expected; do both run the same version on the same graph?"
    )]
    Unexpected {
        /// The sender.
        peer: String,
        /// The expected header.
        expected: FrameHeader,
        /// The received header.
        found: FrameHeader,
    },
    /// The peer sent bytes that are not a frame.
    #[error("{peer} sent what is not a frame: {what}; do both run the same version?")]
    Malformed {
        /// The sender.
        peer: String,
        /// The defect in the bytes.
        what: String,
    },
    /// A frame is longer than [`Limits::max_frame`](crate::Limits::max_frame), on its way in or out.
    #[error(
        "a frame of {length} bytes to or from {peer} exceeds the limit of {limit} bytes; send less at once, or raise max_frame at every member"
    )]
    TooLong {
        /// The other end.
        peer: String,
        /// The length in the header.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// A frame to post whose header states a length other than its payload's: a bug in this program.
    #[error("a frame to {peer} states {stated} bytes and carries {carried}; make frames with Frame::new")]
    WrongLength {
        /// The intended receiver.
        peer: String,
        /// Length in the header.
        stated: u64,
        /// Length of the payload.
        carried: u64,
    },
    /// The number does not name a peer: it is this member's own, or beyond the last.
    #[error("member {member} is no peer of {here}, in a session of {members}")]
    NoSuchPeer {
        /// The requested number.
        member: u16,
        /// The member that asked.
        here: String,
        /// The number of members in the session.
        members: usize,
    },
    /// The other end is not the expected member, or does not speak our protocol.
    #[error(
        "no secure connection with {peer}: {cause}; compare its certificate and address with the session's"
    )]
    Handshake {
        /// The expected member, or the address from which the other end dialled.
        peer: String,
        /// The failure.
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
