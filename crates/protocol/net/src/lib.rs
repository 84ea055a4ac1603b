//! Links between the members of a session: frames, limits, meters, TLS.
//!
//! The members are the computing parties, the trusted dealer and the data owners. Each member holds one [`Endpoint`], its
//! side of a link to every other member, and sends [`Frame`]s: a fixed header that names the frame's purpose, and a
//! [`Payload`] of ring words or bytes. The crate depends on no other crate of the workspace and knows nothing about
//! graphs or shares. Begin with [`Endpoint`]; [`memory`] gives a set of them.
//!
//! Three calls make the endpoints of a session whose members live in one process:
//!
//! | call | frames travel | for |
//! | --- | --- | --- |
//! | [`memory`] | by pointer | tests, a single machine |
//! | [`shaped`] | by pointer, later, as latency and rate say | estimates of a LAN or a WAN |
//! | [`loopback`] | over TCP on 127.0.0.1, TLS 1.3 with a certificate at both ends | honest measurements |
//!
//! Members on several machines each call [`connect`] with the same [`Roster`]; a daemon that takes part in many sessions
//! opens a [`Reception`].
//!
//! Posting never waits ([`Endpoint::post`]), so two parties that send each other any amount at once and then receive
//! cannot deadlock. [`Limits`] bound the data that arrives: a frame's length is checked before a byte is allocated for
//! it, and a receiver that cannot keep up stops reading. Every call that waits has a time limit, and every error names
//! the peer.
//!
//! ```
//! use std::time::Duration;
//! use tacita_net::{Frame, FrameKind, Limits, MemberId, memory};
//!
//! let mut members = memory(&["alice", "bob"], &Limits::default());
//! let (bob, alice) = (members.pop().unwrap(), members.pop().unwrap());
//! alice.post(MemberId(1), Frame::new(0, 7, 0, FrameKind::Opening, vec![1_u64, 2, 3]))?;
//! let frame = bob.receive(MemberId(0), Duration::from_secs(1))?;
//! assert_eq!(frame.header.task, 7);
//! assert_eq!(frame.payload.words(), [1, 2, 3]);
//! # Ok::<(), tacita_net::NetError>(())
//! ```

#[cfg(target_endian = "big")]
compile_error!("tacita-net sends ring words as they lie in memory and needs a little-endian machine");

mod buffers;
mod connect;
mod counters;
mod endpoint;
mod error;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod gather;
#[cfg(test)]
mod hostile;
mod inbox;
mod limits;
mod link;
mod loopback;
mod member;
mod memory;
mod meter;
mod payload;
mod preamble;
mod reception;
mod roster;
mod shaped;
mod tcp;
mod tls;

pub use buffers::Buffers;
pub use connect::connect;
pub use endpoint::{Endpoint, Interrupter};
pub use error::NetError;
pub use frame::{Frame, FrameHeader, FrameKind, HeaderError};
pub use limits::Limits;
pub use loopback::loopback;
pub use member::MemberId;
pub use memory::memory;
pub use meter::{Counts, Flow, Meter, Phase, Traffic};
pub use payload::Payload;
pub use reception::{Reached, Reception};
pub use roster::{Peer, Roster};
pub use shaped::{Shape, shaped};
pub use tls::Identity;
