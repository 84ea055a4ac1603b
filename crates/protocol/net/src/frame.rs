//! The unit of transfer between members: a header that states its purpose, and a payload.

use crate::Payload;

/// The content of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum FrameKind {
    /// The first message of a session on a link: nonces, seeds, names.
    Hello = 1,
    /// A computing party's share of masked values that all parties open.
    Opening = 2,
    /// The trusted dealer's correction, for one computing party.
    Correction = 3,
    /// A share of a value that the graph reveals to the receiver.
    Reveal = 4,
    /// Agreement on graphs and digests, and all other data that is not a share.
    Control = 5,
    /// The sender stops the session. Made by [`Endpoint::abort`](crate::Endpoint::abort).
    Abort = 6,
    /// The sender is alive, with its place in the program. Links produce and consume it; receivers never see it.
    Heartbeat = 7,
}

impl FrameKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Hello,
        Self::Opening,
        Self::Correction,
        Self::Reveal,
        Self::Control,
        Self::Abort,
        Self::Heartbeat,
    ];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// The purpose of a frame.
///
/// On the wire 24 bytes, little-endian: evaluation (8), task (4), step (2), kind (1), zero (1), length (8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FrameHeader {
    /// Number of the evaluation in its session.
    pub evaluation: u64,
    /// The node, or another unit of work by which the parties agreed to count.
    pub task: u32,
    /// The message's number within its task.
    pub step: u16,
    /// The content of the payload.
    pub kind: FrameKind,
    /// Length of the payload in bytes.
    pub length: u64,
}

/// The reason why 24 bytes are not a header.
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
    /// The size of a header on the wire, in bytes.
    pub const BYTES: usize = 24;

    /// The header in its wire format.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0..8].copy_from_slice(&self.evaluation.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.task.to_le_bytes());
        bytes[12..14].copy_from_slice(&self.step.to_le_bytes());
        bytes[14] = self.kind as u8;
        bytes[16..24].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// Reads a header. The stated length is unchecked: the caller compares it with a limit before it allocates.
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
    /// The frame's purpose; its length is the payload's.
    pub header: FrameHeader,
    /// The content.
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

/// The content of an abort frame: the node and round at which its sender stopped, and the cause.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AbortNotice {
    pub node: String,
    pub round: u32,
    pub cause: String,
}

impl AbortNotice {
    /// A longer cause is cut at this number of bytes.
    const CAUSE: usize = 1024;
    /// A longer node name is cut at this number of bytes.
    const NODE: usize = 200;

    /// The longest payload of an abort frame.
    pub const BYTES: usize = 6 + Self::NODE + Self::CAUSE;

    /// The payload: round (4 bytes), length of the node's name (2), its name and the cause in UTF-8.
    pub fn to_frame(&self) -> Frame {
        let node = cut(&self.node, Self::NODE);
        let cause = cut(&self.cause, Self::CAUSE);
        let length = (node.len() as u16).to_le_bytes();
        let bytes = [&self.round.to_le_bytes()[..], &length, node.as_bytes(), cause.as_bytes()].concat();
        Frame::new(0, 0, 0, FrameKind::Abort, bytes)
    }

    /// Reads a payload. An abort always counts: missing or illegible parts are replaced and never cause an error.
    /// Control characters are replaced, because the cause goes to terminals.
    pub fn from_payload(payload: &Payload) -> Self {
        let bytes = &payload.bytes()[..payload.len().min(Self::BYTES)];
        let (round, rest) = bytes.split_at(bytes.len().min(4));
        let (length, rest) = rest.split_at(rest.len().min(2));
        let length = length.try_into().map_or(0, u16::from_le_bytes);
        let (node, cause) = rest.split_at(rest.len().min(usize::from(length)));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(char::is_control, " ");
        let round = round.try_into().map_or(0, u32::from_le_bytes);
        Self { node: text(node), round, cause: text(cause) }
    }
}

/// The beginning of a text, at most this number of bytes.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// The content of a heartbeat: the sender's place in the program, and the member for which it waits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Place {
    pub node: String,
    pub round: u32,
    /// The member for which the sender waits, and the time in milliseconds.
    pub waits: Option<(u16, u32)>,
}

impl Place {
    const NODE: usize = 200;

    /// The longest payload of a heartbeat.
    pub const BYTES: usize = 10 + Self::NODE;
    const NOBODY: u16 = u16::MAX;

    /// The payload: round (4 bytes), the awaited member (2), the waiting time (4), the node's name in UTF-8.
    pub fn to_frame(&self) -> Frame {
        let (whom, millis) = self.waits.unwrap_or((Self::NOBODY, 0));
        let node = cut(&self.node, Self::NODE);
        let bytes =
            [&self.round.to_le_bytes()[..], &whom.to_le_bytes(), &millis.to_le_bytes(), node.as_bytes()];
        Frame::new(0, 0, 0, FrameKind::Heartbeat, bytes.concat())
    }

    /// Reads a payload; one that is too short gives an empty report.
    pub fn from_payload(payload: &Payload) -> Self {
        let [r0, r1, r2, r3, w0, w1, m0, m1, m2, m3, node @ ..] = payload.bytes() else {
            return Self::default();
        };
        let whom = u16::from_le_bytes([*w0, *w1]);
        let node = &node[..node.len().min(Self::NODE)];
        Self {
            node: String::from_utf8_lossy(node).replace(char::is_control, " "),
            round: u32::from_le_bytes([*r0, *r1, *r2, *r3]),
            waits: (whom != Self::NOBODY).then(|| (whom, u32::from_le_bytes([*m0, *m1, *m2, *m3]))),
        }
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
                bytes[14] %= 9;
                bytes[15] = 0;
            }
            match FrameHeader::decode(&bytes) {
                Ok(header) => prop_assert_eq!(header.encode(), bytes),
                Err(HeaderError::Kind(kind)) => prop_assert!(kind == bytes[14] && !(1..=7).contains(&kind)),
                Err(HeaderError::Reserved(byte)) => prop_assert!(byte == bytes[15] && byte != 0),
            }
        }

        #[test]
        fn notices_come_back(node in "\\PC{0,50}", round: u32, cause in "\\PC{0,1200}") {
            let notice = AbortNotice { node, round, cause };
            let frame = notice.to_frame();
            prop_assert!(frame.payload.len() <= AbortNotice::BYTES);
            let back = AbortNotice::from_payload(&frame.payload);
            prop_assert_eq!((&back.node, back.round), (&notice.node, round));
            prop_assert!(notice.cause.starts_with(&back.cause));
        }

        #[test]
        fn any_bytes_are_a_notice(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
            let notice = AbortNotice::from_payload(&Payload::from(bytes));
            prop_assert!(!notice.cause.contains(char::is_control));
        }

        #[test]
        fn places_come_back(node in "\\PC{0,50}", round: u32, whom in 0..100_u16, millis: u32, waits: bool) {
            let place = Place { node, round, waits: waits.then_some((whom, millis)) };
            prop_assert_eq!(Place::from_payload(&place.to_frame().payload), place);
        }

        #[test]
        fn any_bytes_are_a_place(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let place = Place::from_payload(&Payload::from(bytes));
            prop_assert!(place.to_frame().payload.len() <= 3 * Place::BYTES);
        }
    }
}
