//! Links over TCP: a thread that writes and a thread that reads for each peer.

mod lane;
mod lane_state;
mod link;
mod read;
mod write;

pub(crate) use link::TcpLink;
pub(crate) use read::{PIECE, read_frame};
