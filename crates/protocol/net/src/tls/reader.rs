//! The reading end of a connection.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;

use rustls::unbuffered::{ConnectionState, UnbufferedStatus};

use super::connection::Connection;
use super::failure::explain;
use super::plaintext::{Plaintext, ReadError};
use super::sizes::{HANDSHAKE, RECORD, RECORD_OVERHEAD};
use crate::inbox::Heard;

/// The reading end.
pub(crate) struct TlsReader<C> {
    pub(super) socket: TcpStream,
    pub(super) connection: C,
    /// Ciphertext received and not decrypted is `incoming[from..to]`.
    pub(super) incoming: Vec<u8>,
    pub(super) from: usize,
    pub(super) to: usize,
    /// Plaintext that was decrypted and not asked for yet, from `next` on.
    plain: Vec<u8>,
    next: usize,
    /// Notified of every byte that arrives.
    heard: Heard,
}

impl<C: Connection> TlsReader<C> {
    /// A reader on a connection whose handshake is complete; `incoming[from..to]` is received and not decrypted.
    pub(super) fn new(socket: TcpStream, connection: C, incoming: Vec<u8>, from: usize, to: usize) -> Self {
        let (plain, heard) = (Vec::new(), Heard::default());
        Self { socket, connection, incoming, from, to, plain, next: 0, heard }
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Notifies `heard` of every byte that arrives from now on.
    pub fn tell(&mut self, heard: Heard) {
        heard.hear(0);
        self.heard = heard;
    }

    /// Decrypts the next record if all of it has arrived, into `into` from `read` on and the rest into `plain`,
    /// which must be empty. Returns whether the connection made progress.
    fn decrypt(&mut self, into: &mut [u8], read: &mut usize) -> Result<bool, ReadError> {
        let UnbufferedStatus { mut discard, state } =
            self.connection.process(&mut self.incoming[self.from..self.to]);
        let mut progress = discard > 0;
        match state.map_err(|error| ReadError::Garbage(explain(&error)))? {
            ConnectionState::ReadTraffic(mut traffic) => {
                progress = true;
                self.plain.clear();
                self.next = 0;
                while let Some(record) = traffic.next_record() {
                    let record = record.map_err(|error| ReadError::Garbage(error.to_string()))?;
                    discard += record.discard;
                    let here = record.payload.len().min(into.len() - *read);
                    into[*read..*read + here].copy_from_slice(&record.payload[..here]);
                    *read += here;
                    self.plain.extend_from_slice(&record.payload[here..]);
                }
            }
            ConnectionState::PeerClosed | ConnectionState::Closed => {
                return Err(ReadError::Closed { read: *read });
            }
            // TLS answers a change of keys; on a connection in one direction the answer need not be sent.
            ConnectionState::EncodeTlsData(mut data) => {
                progress = true;
                let mut unsent = vec![0; HANDSHAKE];
                data.encode(&mut unsent).map_err(|error| ReadError::Garbage(error.to_string()))?;
            }
            ConnectionState::TransmitTlsData(data) => {
                progress = true;
                data.done();
            }
            _ => {}
        }
        self.from += discard;
        Ok(progress)
    }

    /// Reads more ciphertext. Returns false at the end of the connection.
    fn fill(&mut self) -> Result<bool, ReadError> {
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
        } else if self.incoming.len() - self.to < RECORD + RECORD_OVERHEAD {
            self.incoming.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
        }
        loop {
            match self.socket.read(&mut self.incoming[self.to..]) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    self.to += read;
                    self.heard.hear(read);
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(false),
                Err(error) => return Err(ReadError::Lost(error.to_string())),
            }
        }
    }
}

impl<C: Connection> Plaintext for TlsReader<C> {
    fn read_exact(&mut self, into: &mut [u8]) -> Result<(), ReadError> {
        let mut read = 0;
        loop {
            let ready = (self.plain.len() - self.next).min(into.len() - read);
            into[read..read + ready].copy_from_slice(&self.plain[self.next..self.next + ready]);
            (read, self.next) = (read + ready, self.next + ready);
            if read == into.len() {
                return Ok(());
            }
            if !self.decrypt(into, &mut read)? && !self.fill()? {
                return Err(ReadError::Ended { read });
            }
        }
    }
}
