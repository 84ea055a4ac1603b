//! Time limits of a socket's calls.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Limits the socket's calls to the time left until `until`.
pub(super) fn limit(socket: &TcpStream, until: Instant) -> Result<(), String> {
    let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    socket.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
    socket.set_write_timeout(Some(left)).map_err(|error| error.to_string())
}

/// Whether a call to the socket ended because its time was over, or a signal came.
pub(super) fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
