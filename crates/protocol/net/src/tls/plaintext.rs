//! The interface of a reader: bytes, or the reason why there are no more.

/// The reason why plaintext could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The other end closed the connection as it should, after so many of the bytes asked for.
    Closed { read: usize },
    /// The connection ended without a farewell after so many of the bytes asked for: a process ended, or an attacker
    /// cut the connection.
    Ended { read: usize },
    /// The operating system gave the connection up.
    Lost(String),
    /// The bytes received are not valid TLS from the peer.
    Garbage(String),
}

/// A source of plaintext.
pub(crate) trait Plaintext {
    /// Fills `into`.
    fn read_exact(&mut self, into: &mut [u8]) -> Result<(), ReadError>;
}
