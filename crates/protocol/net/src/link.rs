//! What an endpoint needs of a link to one peer.

use std::time::Instant;

use crate::frame::{Frame, FrameHeader};

/// The sending half of a link. What arrives goes to the member's [`Inbox`](crate::inbox::Inbox).
pub(crate) trait Link: Send {
    /// Queues a frame without waiting. False if the peer is gone.
    fn post(&self, frame: Frame) -> bool;

    /// Waits until no more than `ahead` bytes are queued, or the time is over.
    fn wait_room(&self, ahead: usize, until: Instant) -> Room;

    /// Waits until everything has left this member, or the time is over.
    fn flush(&self, until: Instant) -> Room;

    /// Drops what is queued, and goes on to send this and to close, in the time given, without waiting for it.
    fn abort(&self, frame: Frame, until: Instant);

    /// Goes on to send what is queued and to close, in the time given, without waiting for it.
    fn close(&self, until: Instant);

    /// Bytes on the wire for a frame of so many payload bytes.
    fn wire_bytes(&self, payload: usize) -> u64 {
        (FrameHeader::BYTES + payload) as u64
    }
}

/// Whether a link has room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Room {
    Yes,
    /// Not in the time given.
    No,
    /// The peer is gone.
    Gone,
}
