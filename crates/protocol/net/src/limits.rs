//! How much a peer may make us hold, and how long we wait.

use std::time::Duration;

/// Limits of one endpoint, the same for each of its peers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The longest payload of a frame in bytes, checked before anything is allocated for it. Default 1 GiB.
    pub max_frame: usize,
    /// Bytes received from a peer and not consumed at which we stop reading from it; each frame counts as its payload
    /// and 256 bytes, which it takes in memory. One frame is always let in, however long, so that a frame longer than
    /// this can be received. Default 64 MiB.
    ///
    /// In-memory links pass pointers and never stop a sender: what they hold is the sender's memory.
    pub inbound: usize,
    /// The longest that [`Endpoint::post_bounded`](crate::Endpoint::post_bounded) waits for room. Default 5 min.
    pub room_wait: Duration,
    /// The longest that connecting to all peers may take. Default 10 s.
    pub connect: Duration,
    /// A link on which nothing was sent for this long sends a heartbeat. Default 2 s.
    pub heartbeat: Duration,
    /// The longest that nothing may come from a peer over TCP, not even a heartbeat. Default 10 s.
    pub silence: Duration,
    /// How long a dropped endpoint goes on sending what was posted. Default 5 s.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: 1 << 30,
            inbound: 64 << 20,
            room_wait: Duration::from_secs(300),
            connect: Duration::from_secs(10),
            heartbeat: Duration::from_secs(2),
            silence: Duration::from_secs(10),
            linger: Duration::from_secs(5),
        }
    }
}
