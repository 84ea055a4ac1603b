//! Encryption of plaintext into records.

use rustls::unbuffered::{ConnectionState, UnbufferedStatus};

use super::connection::Connection;

/// The error on a connection whose other end sends while it should listen.
pub(super) const OUT_OF_TURN: &str = "it spoke out of turn";

/// Encrypts plaintext into `out`, after any pending messages of TLS itself. `incoming` is the ciphertext that was received
/// and is not decrypted. Returns the bytes written to `out`, and the bytes of `incoming` that were processed: the rest may
/// be the beginning of a message, and must be passed again.
pub(super) fn encrypt(
    connection: &mut impl Connection,
    incoming: &mut [u8],
    plain: &[u8],
    out: &mut [u8],
) -> Result<(usize, usize), String> {
    let (mut written, mut taken) = (0, 0);
    loop {
        let UnbufferedStatus { discard, state } = connection.process(&mut incoming[taken..]);
        taken += discard;
        match state.map_err(|error| error.to_string())? {
            ConnectionState::WriteTraffic(mut traffic) => {
                let sealed =
                    traffic.encrypt(plain, &mut out[written..]).map_err(|error| error.to_string())?;
                return Ok((written + sealed, taken));
            }
            ConnectionState::EncodeTlsData(mut data) => {
                written += data.encode(&mut out[written..]).map_err(|error| error.to_string())?;
            }
            // The caller sends it with the rest of `out`.
            ConnectionState::TransmitTlsData(data) => data.done(),
            ConnectionState::ReadTraffic(_) => return Err(OUT_OF_TURN.to_owned()),
            _ => return Err("the connection is closed".to_owned()),
        }
    }
}
