//! Limits on the memory that a peer can make us use, and on waiting times.

use std::time::Duration;

/// Limits of one endpoint, the same for each of its peers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The longest payload of a frame in bytes, checked before anything is allocated for it. Default 1 GiB.
    pub max_frame: usize,
    /// The number of bytes received from a peer and not consumed at which we stop reading from it. Each frame counts as
    /// its payload and 256 bytes of overhead in memory. An empty queue admits one frame of any length, so that a frame
    /// longer than this limit can be received. Default 64 MiB.
    ///
    /// In-memory links pass pointers and never stop a sender: they hold the sender's memory.
    pub inbound: usize,
    /// The longest that [`Endpoint::post_bounded`](crate::Endpoint::post_bounded) waits for room. Default 5 min.
    pub room_wait: Duration,
    /// The longest that connecting to all peers may take. Default 10 s.
    pub connect: Duration,
    /// A link that has sent nothing for this long sends a heartbeat. Default 2 s.
    pub heartbeat: Duration,
    /// A peer over TCP fails if nothing comes from it for this long, not even a heartbeat. Default 10 s.
    pub silence: Duration,
    /// How long a dropped endpoint continues to send posted frames. Default 5 s.
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
