//! The unit that travels between members: a header that says what it is for, and a payload.

use crate::Payload;

/// What a frame carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum FrameKind {
    /// The first message of a session on a link: nonces, seeds, names.
    Hello = 1,
    /// A computing party's share of masked values that all open.
    Opening = 2,
    /// The dealer's correction, for one computing party.
    Correction = 3,
    /// A share of a value that the graph reveals to the receiver.
    Reveal = 4,
    /// Agreement on graphs and digests, and whatever else is not a share.
    Control = 5,
    /// The sender stops the session. Made by [`Endpoint::abort`](crate::Endpoint::abort).
    Abort = 6,
}

impl FrameKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Hello, Self::Opening, Self::Correction, Self::Reveal, Self::Control, Self::Abort];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// What a frame is for.
///
/// On the wire 24 bytes, little-endian: evaluation (8), task (4), step (2), kind (1), zero (1), length (8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FrameHeader {
    /// Number of the evaluation in its session.
    pub evaluation: u64,
    /// The node, or whatever unit of work the parties agreed to count by.
    pub task: u32,
    /// Which of the task's messages this is.
    pub step: u16,
    /// What the payload is.
    pub kind: FrameKind,
    /// Length of the payload in bytes.
    pub length: u64,
}

/// Why 24 bytes are not a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderError {
    /// The kind is none of [`FrameKind::ALL`].
    #[error("frame of unknown kind {0}")]
    Kind(u8),
    /// The reserved byte is not zero.
    #[error("frame whose reserved byte is {0}, not 0")]
    Reserved(u8),
}

impl FrameHeader {
    /// Bytes of a header on the wire.
    pub const BYTES: usize = 24;

    /// The header as it travels.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0..8].copy_from_slice(&self.evaluation.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.task.to_le_bytes());
        bytes[12..14].copy_from_slice(&self.step.to_le_bytes());
        bytes[14] = self.kind as u8;
        bytes[16..24].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// Reads a header. Its length is as claimed: the caller compares it with a limit before it allocates.
    ///
    /// # Errors
    /// If the kind is unknown or the reserved byte is not zero.
    pub fn decode(bytes: &[u8; Self::BYTES]) -> Result<Self, HeaderError> {
        let [e0, e1, e2, e3, e4, e5, e6, e7, t0, t1, t2, t3, s0, s1, kind, reserved, length @ ..] = *bytes;
        if reserved != 0 {
            return Err(HeaderError::Reserved(reserved));
        }
        Ok(Self {
            evaluation: u64::from_le_bytes([e0, e1, e2, e3, e4, e5, e6, e7]),
            task: u32::from_le_bytes([t0, t1, t2, t3]),
            step: u16::from_le_bytes([s0, s1]),
            kind: FrameKind::from_byte(kind).ok_or(HeaderError::Kind(kind))?,
            length: u64::from_le_bytes(length),
        })
    }
}

/// A header and its payload. Cheap to clone: the payload is shared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// What the frame is for; its length is the payload's.
    pub header: FrameHeader,
    /// What it carries.
    pub payload: Payload,
}

impl Frame {
    /// A frame whose header has the payload's length.
    pub fn new(evaluation: u64, task: u32, step: u16, kind: FrameKind, payload: impl Into<Payload>) -> Self {
        let payload = payload.into();
        let length = payload.len() as u64;
        Self { header: FrameHeader { evaluation, task, step, kind, length }, payload }
    }
}

/// What an abort frame says: the node and round at which its sender stopped, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AbortNotice {
    pub node: u32,
    pub round: u32,
    pub cause: String,
}

impl AbortNotice {
    /// Bytes of a cause beyond which it is cut.
    const CAUSE: usize = 1024;

    /// The longest payload of an abort frame.
    pub const BYTES: usize = 8 + Self::CAUSE;

    /// As a frame: node (4 bytes), round (4), cause in UTF-8.
    pub fn to_frame(&self) -> Frame {
        let cause = &self.cause[..self.cause.floor_char_boundary(Self::CAUSE)];
        let bytes = [&self.node.to_le_bytes(), &self.round.to_le_bytes(), cause.as_bytes()].concat();
        Frame::new(0, 0, 0, FrameKind::Abort, bytes)
    }

    /// Reads a payload. An abort is an abort: what is missing or illegible is replaced, never an error.
    /// Control characters are replaced, because the cause goes to terminals.
    pub fn from_payload(payload: &Payload) -> Self {
        let bytes = payload.bytes();
        let number = |at: usize| {
            bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(u32::MAX, u32::from_le_bytes)
        };
        let cause = bytes.get(8..Self::BYTES.min(bytes.len())).unwrap_or_default();
        let cause = String::from_utf8_lossy(cause).replace(char::is_control, " ");
        Self { node: number(0), round: number(4), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn headers_come_back(
            evaluation: u64, task: u32, step: u16, kind in 0..FrameKind::ALL.len(), length: u64
        ) {
            let header = FrameHeader { evaluation, task, step, kind: FrameKind::ALL[kind], length };
            prop_assert_eq!(FrameHeader::decode(&header.encode()), Ok(header));
        }

        #[test]
        fn any_bytes_are_a_header_or_an_error(mut bytes: [u8; FrameHeader::BYTES], plausible: bool) {
            if plausible {
                bytes[14] %= 8;
                bytes[15] = 0;
            }
            match FrameHeader::decode(&bytes) {
                Ok(header) => prop_assert_eq!(header.encode(), bytes),
                Err(HeaderError::Kind(kind)) => prop_assert!(kind == bytes[14] && !(1..=6).contains(&kind)),
                Err(HeaderError::Reserved(byte)) => prop_assert!(byte == bytes[15] && byte != 0),
            }
        }

        #[test]
        fn notices_come_back(node: u32, round: u32, cause in "\\PC{0,1200}") {
            let notice = AbortNotice { node, round, cause };
            let frame = notice.to_frame();
            prop_assert!(frame.payload.len() <= AbortNotice::BYTES);
            let back = AbortNotice::from_payload(&frame.payload);
            prop_assert_eq!((back.node, back.round), (node, round));
            prop_assert!(notice.cause.starts_with(&back.cause));
        }

        #[test]
        fn any_bytes_are_a_notice(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
            let notice = AbortNotice::from_payload(&Payload::from(bytes));
            prop_assert!(!notice.cause.contains(char::is_control));
        }
    }
}
