//! The handshake, from both ends: it shows and checks certificates, and names the protocol.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::CertificateDer;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};

use super::config::{PROTOCOL, acceptor, dialer};
use super::connection::Connection;
use super::failure::{Failed, explain};
use super::identity::Identity;
use super::reader::TlsReader;
use super::sizes::{HANDSHAKE, READ};
use super::stream::TlsStream;
use super::timeout::{is_timeout, limit};

/// Sent by the acceptor once it has accepted the dialler's certificate; the dialler sends nothing before.
const GREETING: [u8; 1] = [1];

/// The dialler's half of a handshake, over a fresh TCP connection, with the holder of this certificate.
pub(crate) fn dial(
    socket: TcpStream,
    identity: &Identity,
    peer: &CertificateDer<'static>,
    until: Instant,
) -> Result<TlsStream<UnbufferedClientConnection>, Failed> {
    let connection = dialer(identity, peer).map_err(|error| Failed::Wrong(error.to_string()))?;
    let mut stream = handshake(socket, connection, until)?;
    let mut greeting = [0];
    stream.read(&mut greeting, until)?;
    match greeting == GREETING {
        true => Ok(stream),
        false => Err(Failed::Wrong("it does not speak our protocol".to_owned())),
    }
}

/// The acceptor's half, with the holder of one of these certificates. Returns that certificate's index, and the
/// connection.
pub(crate) fn accept(
    socket: TcpStream,
    identity: &Identity,
    peers: &[CertificateDer<'static>],
    until: Instant,
) -> Result<(usize, TlsStream<UnbufferedServerConnection>), Failed> {
    let connection = acceptor(identity, peers).map_err(|error| Failed::Wrong(error.to_string()))?;
    let mut stream = handshake(socket, connection, until)?;
    if stream.0.connection.alpn_protocol() != Some(PROTOCOL) {
        return Err(Failed::Wrong("it does not speak our protocol".to_owned()));
    }
    let shown = stream.0.connection.peer_certificates().and_then(<[_]>::first);
    let who = peers.iter().position(|peer| Some(peer) == shown);
    let who = who.ok_or_else(|| Failed::Wrong("it showed no certificate".to_owned()))?;
    stream.send(&GREETING, until)?;
    Ok((who, stream))
}

/// Completes a handshake in the time given.
fn handshake<C: Connection>(
    socket: TcpStream,
    mut connection: C,
    until: Instant,
) -> Result<TlsStream<C>, Failed> {
    let mut incoming = vec![0; READ];
    let mut to = 0;
    let mut outgoing = Vec::new();
    loop {
        let UnbufferedStatus { discard, state } = connection.process(&mut incoming[..to]);
        let mut needs_more = false;
        match state {
            Err(error) => {
                send_alert(&mut connection, &mut incoming[discard..to], &socket, until);
                return Err(Failed::Wrong(explain(&error)));
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                let at = outgoing.len();
                outgoing.resize(at + HANDSHAKE, 0);
                let length =
                    data.encode(&mut outgoing[at..]).map_err(|error| Failed::Wrong(error.to_string()))?;
                outgoing.truncate(at + length);
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                limit(&socket, until).map_err(Failed::Lost)?;
                (&socket).write_all(&outgoing).map_err(|error| Failed::Lost(error.to_string()))?;
                outgoing.clear();
                data.done();
            }
            Ok(ConnectionState::BlockedHandshake) => needs_more = true,
            Ok(ConnectionState::WriteTraffic(_)) => {
                drop(state);
                needs_more = connection.is_handshaking();
                if !needs_more {
                    return Ok(TlsStream(TlsReader::new(socket, connection, incoming, discard, to)));
                }
            }
            Ok(_) => {
                return Err(Failed::Wrong("it closed the connection during the handshake".to_owned()));
            }
        }
        incoming.copy_within(discard..to, 0);
        to -= discard;
        if needs_more {
            limit(&socket, until).map_err(Failed::Lost)?;
            match (&socket).read(&mut incoming[to..]) {
                Ok(0) => {
                    return Err(Failed::Lost("it closed the connection during the handshake".to_owned()));
                }
                Ok(read) => to += read,
                Err(error) if is_timeout(&error) => {
                    return Err(Failed::Lost("the handshake took too long".to_owned()));
                }
                Err(error) => return Err(Failed::Lost(error.to_string())),
            }
        }
    }
}

/// Tells the other end why a handshake failed, if it listens.
/// `incoming` is the ciphertext that was received and is not processed.
fn send_alert(connection: &mut impl Connection, incoming: &mut [u8], socket: &TcpStream, until: Instant) {
    let mut alert = vec![0; HANDSHAKE];
    if let Ok(ConnectionState::EncodeTlsData(mut data)) = connection.process(incoming).state
        && let Ok(length) = data.encode(&mut alert)
        && limit(socket, until).is_ok()
    {
        // Best effort: the handshake has failed already.
        let _ = { socket }.write_all(&alert[..length]);
    }
}
