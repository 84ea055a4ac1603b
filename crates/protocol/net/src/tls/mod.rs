//! TLS 1.3, used in one direction: after the handshake, one end of a connection writes and the other reads.
//!
//! A link is two such connections, both dialled by the same member. At each end, each connection has one thread that
//! makes blocking calls, and no lock is shared between the directions. Both ends show a certificate and compare the
//! other's, byte by byte, with the one that they were given; signatures are checked by rustls's provider.

mod config;
mod connection;
mod encrypt;
mod failure;
mod handshake;
mod identity;
mod pinned;
mod plaintext;
mod reader;
mod sizes;
mod stream;
mod timeout;
mod writer;

pub(crate) use connection::Connection;
pub(crate) use failure::Failed;
pub(crate) use handshake::{accept, dial};
pub use identity::Identity;
pub(crate) use plaintext::{Plaintext, ReadError};
pub(crate) use reader::TlsReader;
pub(crate) use sizes::{BATCH, RECORD, RECORD_OVERHEAD};
pub(crate) use stream::TlsStream;
pub(crate) use writer::TlsWriter;
