//! The interface between an endpoint and its link to one peer.

use std::time::Instant;

use crate::frame::{Frame, FrameHeader};

/// The sending half of a link. Arriving frames go to the member's [`Inbox`](crate::inbox::Inbox).
pub(crate) trait Link: Send {
    /// Queues a frame without waiting. Returns false if the peer is gone.
    fn post(&self, frame: Frame) -> bool;

    /// Waits until at most `ahead` bytes are queued, or the time is over.
    fn wait_room(&self, ahead: usize, until: Instant) -> Room;

    /// Waits until everything has left this member, or the time is over.
    fn flush(&self, until: Instant) -> Room;

    /// Drops the queued frames, then sends this frame and closes in the background, within the given time.
    fn abort(&self, frame: Frame, until: Instant);

    /// Sends the queued frames and closes in the background, within the given time.
    fn close(&self, until: Instant);

    /// The bytes on the wire for a frame with this number of payload bytes.
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
