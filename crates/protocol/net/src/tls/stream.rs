//! A connection before its direction is fixed.

use std::io::Write;
use std::time::Instant;

use super::connection::Connection;
use super::encrypt::{OUT_OF_TURN, encrypt};
use super::failure::Failed;
use super::plaintext::{Plaintext, ReadError};
use super::reader::TlsReader;
use super::sizes::{RECORD, RECORD_OVERHEAD, SLACK};
use super::timeout::limit;
use super::writer::TlsWriter;

/// A connection after its handshake, on which both ends may still send a few bytes, before one becomes the writer and the
/// other the reader.
pub(crate) struct TlsStream<C>(pub(super) TlsReader<C>);

impl<C: Connection> TlsStream<C> {
    /// Sends a message of at most a few records.
    pub fn send(&mut self, bytes: &[u8], until: Instant) -> Result<(), Failed> {
        let mut sealed = vec![0; bytes.len() + (bytes.len() / RECORD + 1) * RECORD_OVERHEAD + SLACK];
        let TlsReader { connection, incoming, from, to, .. } = &mut self.0;
        let (length, taken) =
            encrypt(connection, &mut incoming[*from..*to], bytes, &mut sealed).map_err(Failed::Wrong)?;
        *from += taken;
        limit(&self.0.socket, until).map_err(Failed::Lost)?;
        self.0.socket.write_all(&sealed[..length]).map_err(|error| Failed::Lost(error.to_string()))
    }

    /// Fills `into`.
    pub fn read(&mut self, into: &mut [u8], until: Instant) -> Result<(), Failed> {
        limit(&self.0.socket, until).map_err(Failed::Lost)?;
        self.0.read_exact(into).map_err(|error| match error {
            ReadError::Closed { .. } | ReadError::Ended { .. } => {
                Failed::Lost("it closed the connection".to_owned())
            }
            ReadError::Lost(cause) => Failed::Lost(cause),
            ReadError::Garbage(cause) => Failed::Wrong(cause),
        })
    }

    /// Makes this end the reader.
    pub fn into_reader(self) -> Result<TlsReader<C>, Failed> {
        self.0.socket.set_read_timeout(None).map_err(|error| Failed::Lost(error.to_string()))?;
        Ok(self.0)
    }

    /// Makes this end the writer. Nothing is read from now on, so it is an error if received bytes are left.
    pub fn into_writer(self) -> Result<TlsWriter<C>, Failed> {
        let TlsReader { socket, connection, from, to, .. } = self.0;
        if from < to {
            return Err(Failed::Wrong(OUT_OF_TURN.to_owned()));
        }
        Ok(TlsWriter::new(socket, connection))
    }
}
