//! The writing end of a connection.

use std::io::Write;
use std::net::TcpStream;

use rustls::unbuffered::ConnectionState;

use super::connection::Connection;
use super::encrypt::encrypt;
use super::sizes::{BATCH, RECORD, RECORD_OVERHEAD, SLACK};
use super::timeout::is_timeout;

/// The writing end. Seals plaintext into a buffer, from which the socket takes it.
pub(crate) struct TlsWriter<C> {
    socket: TcpStream,
    connection: C,
    out: Vec<u8>,
    /// The sealed bytes that are not yet written are `out[from..to]`.
    from: usize,
    to: usize,
}

impl<C: Connection> TlsWriter<C> {
    /// A writer on a connection whose handshake is complete.
    pub(super) fn new(socket: TcpStream, connection: C) -> Self {
        let out = vec![0; BATCH + 8 * RECORD_OVERHEAD + SLACK];
        Self { socket, connection, out, from: 0, to: 0 }
    }

    /// How much plaintext may be sealed now, in whole records.
    pub fn room(&self) -> usize {
        (self.out.len() - self.to).saturating_sub(SLACK) / (RECORD + RECORD_OVERHEAD) * RECORD
    }

    /// Seals at most `room()` bytes into records of their own.
    pub fn seal(&mut self, plain: &[u8]) -> Result<(), String> {
        self.to += encrypt(&mut self.connection, &mut [], plain, &mut self.out[self.to..])?.0;
        Ok(())
    }

    /// Seals the end of the connection.
    pub fn seal_close(&mut self) -> Result<(), String> {
        let state = self.connection.process(&mut []).state.map_err(|error| error.to_string())?;
        if let ConnectionState::WriteTraffic(mut traffic) = state {
            let out = &mut self.out[self.to..];
            self.to += traffic.queue_close_notify(out).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Whether something is sealed and not written.
    pub fn is_pending(&self) -> bool {
        self.from < self.to
    }

    /// Writes to the socket once. Returns whether the socket took anything within its write timeout.
    pub fn write(&mut self) -> Result<bool, String> {
        match self.socket.write(&self.out[self.from..self.to]) {
            Ok(0) => Err("the connection is closed".to_owned()),
            Ok(written) => {
                self.from += written;
                if self.from == self.to {
                    (self.from, self.to) = (0, 0);
                }
                Ok(true)
            }
            Err(error) if is_timeout(&error) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    #[cfg(test)]
    pub fn flip_last_bit(&mut self) {
        self.out[self.to - 1] ^= 1;
    }

    #[cfg(test)]
    pub fn refresh_keys(&mut self) {
        let ConnectionState::WriteTraffic(traffic) = self.connection.process(&mut []).state.unwrap() else {
            panic!("the connection is open")
        };
        traffic.refresh_traffic_keys().unwrap();
    }
}
