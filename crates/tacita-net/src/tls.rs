//! TLS 1.3 in one direction: a connection on which the dialer writes and the acceptor reads.
//!
//! A link is two such connections, so each end of each has one thread that does one thing in blocking calls,
//! and no lock is held across directions. Both ends show a certificate and compare the other's, byte by byte,
//! with the one that they were given; signatures are checked by rustls's provider.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnectionData, Resumption, UnbufferedClientConnection};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{
    CertificateError, ClientConfig, CommonState, DigitallySignedStruct, DistinguishedName, Error,
    ServerConfig, SignatureScheme,
};

/// The most plaintext that a TLS record carries.
pub(crate) const RECORD: usize = 1 << 14;
/// What a TLS 1.3 record adds to its plaintext: header, content type, tag.
pub(crate) const RECORD_OVERHEAD: usize = 5 + 1 + 16;
/// Room for what TLS itself may have to say between records, such as a change of keys.
const SLACK: usize = 1 << 10;
/// Ciphertext that is read at once.
const READ: usize = 1 << 18;
/// The longest flight of a handshake.
const HANDSHAKE: usize = 1 << 16;
/// Names our protocol and its version in the handshake.
const PROTOCOL: &[u8] = b"tacita/1";
/// What the acceptor says once it has accepted the dialer's certificate.
const ACCEPTED: [u8; 1] = [1];

/// A member's key and certificate.
pub(crate) struct Identity {
    pub certificate: CertificateDer<'static>,
    key: Arc<dyn SigningKey>,
}

impl Identity {
    /// A fresh key and a certificate signed with it, for one process and one session.
    pub fn ephemeral() -> Result<Self, String> {
        let key = rcgen::KeyPair::generate().map_err(|error| error.to_string())?;
        let parameters =
            rcgen::CertificateParams::new([HOST.to_owned()]).map_err(|error| error.to_string())?;
        let certificate = parameters.self_signed(&key).map_err(|error| error.to_string())?.der().clone();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let key = aws_lc_rs::default_provider()
            .key_provider
            .load_private_key(key)
            .map_err(|error| error.to_string())?;
        Ok(Self { certificate, key })
    }

    fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(CertifiedKey::new(vec![self.certificate.clone()], self.key.clone()).into())
    }

    #[cfg(test)]
    pub fn with_certificate_of(&self, other: &Self) -> Self {
        Self { certificate: other.certificate.clone(), key: self.key.clone() }
    }
}

/// The name in certificates. Nobody looks at it: the whole certificate is compared.
const HOST: &str = "member.tacita.invalid";

/// Accepts exactly the certificates that it was given.
#[derive(Debug)]
struct Pinned {
    certificates: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pinned {
    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let known = self.certificates.iter().any(|pinned| pinned == certificate);
        known.then_some(()).ok_or(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn no_tls12() -> Error {
        Error::General("only TLS 1.3 is spoken here".to_owned())
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(certificate).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Self::no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(certificate).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Self::no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn pinned(certificates: &[CertificateDer<'static>]) -> (Arc<CryptoProvider>, Arc<Pinned>) {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    (provider, Arc::new(Pinned { certificates: certificates.to_vec(), algorithms }))
}

fn dialer(identity: &Identity, peer: &CertificateDer<'static>) -> Result<UnbufferedClientConnection, Error> {
    let (provider, verifier) = pinned(std::slice::from_ref(peer));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(identity.resolver());
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    let host = ServerName::try_from(HOST).map_err(|error| Error::General(error.to_string()))?;
    UnbufferedClientConnection::new(Arc::new(config), host)
}

fn acceptor(
    identity: &Identity,
    peers: &[CertificateDer<'static>],
) -> Result<UnbufferedServerConnection, Error> {
    let (provider, verifier) = pinned(peers);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(identity.resolver());
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.send_tls13_tickets = 0;
    UnbufferedServerConnection::new(Arc::new(config))
}

/// Dials over a fresh TCP connection to whoever has this certificate, and returns the writing end once the
/// other side has accepted ours.
pub(crate) fn dial(
    socket: TcpStream,
    identity: &Identity,
    peer: &CertificateDer<'static>,
    until: Instant,
) -> Result<TlsWriter, String> {
    let connection = dialer(identity, peer).map_err(|error| error.to_string())?;
    let mut reader = TlsReader::handshake(socket, connection, until)?;
    let mut accepted = [0];
    limit(&reader.socket, until)?;
    match reader.read_exact(&mut accepted) {
        Ok(()) if accepted == ACCEPTED => {}
        Ok(()) => return Err("it does not speak our protocol".to_owned()),
        Err(ReadError::Ended { .. }) => return Err("it closed the connection".to_owned()),
        Err(ReadError::Lost(cause) | ReadError::Garbage(cause)) => return Err(cause),
    }
    let TlsReader { socket, connection, .. } = reader;
    Ok(TlsWriter { socket, connection, out: vec![0; TlsWriter::OUT], from: 0, to: 0 })
}

/// Accepts a fresh TCP connection from the holder of one of these certificates, and returns which one and the
/// reading end.
pub(crate) fn accept(
    socket: TcpStream,
    identity: &Identity,
    peers: &[CertificateDer<'static>],
    until: Instant,
) -> Result<(usize, TlsReader<UnbufferedServerConnection>), String> {
    let connection = acceptor(identity, peers).map_err(|error| error.to_string())?;
    let mut reader = TlsReader::handshake(socket, connection, until)?;
    if reader.connection.alpn_protocol() != Some(PROTOCOL) {
        return Err("it does not speak our protocol".to_owned());
    }
    let shown = reader.connection.peer_certificates().and_then(<[_]>::first);
    let who = peers.iter().position(|peer| Some(peer) == shown).ok_or("it showed no certificate")?;
    let mut record = [0; RECORD_OVERHEAD + ACCEPTED.len()];
    let length = encrypt(&mut reader.connection, &ACCEPTED, &mut record)?;
    reader.socket.write_all(&record[..length]).map_err(|error| error.to_string())?;
    reader.socket.set_read_timeout(None).map_err(|error| error.to_string())?;
    Ok((who, reader))
}

/// What both ends of a rustls connection have in common.
pub(crate) trait Connection:
    std::ops::DerefMut<Target: std::ops::Deref<Target = CommonState>>
{
    type Data;
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Connection for UnbufferedClientConnection {
    type Data = ClientConnectionData;
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

impl Connection for UnbufferedServerConnection {
    type Data = ServerConnectionData;
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

/// Encrypts, after whatever TLS has to say first. Returns the bytes written to `out`.
fn encrypt(connection: &mut impl Connection, plain: &[u8], out: &mut [u8]) -> Result<usize, String> {
    let mut written = 0;
    loop {
        let state = connection.process(&mut []).state.map_err(|error| error.to_string())?;
        match state {
            ConnectionState::WriteTraffic(mut traffic) => {
                let sealed =
                    traffic.encrypt(plain, &mut out[written..]).map_err(|error| error.to_string())?;
                return Ok(written + sealed);
            }
            ConnectionState::EncodeTlsData(mut data) => {
                written += data.encode(&mut out[written..]).map_err(|error| error.to_string())?;
            }
            // It is on its way once the caller sends `out`.
            ConnectionState::TransmitTlsData(data) => data.done(),
            _ => return Err("the connection is closed".to_owned()),
        }
    }
}

/// The writing end. Seals plaintext into a buffer, from which the socket takes it.
pub(crate) struct TlsWriter {
    socket: TcpStream,
    connection: UnbufferedClientConnection,
    out: Vec<u8>,
    /// What is sealed and not written is `out[from..to]`.
    from: usize,
    to: usize,
}

impl TlsWriter {
    /// Plaintext that is sealed at once.
    pub const BATCH: usize = 8 * RECORD;
    const OUT: usize = Self::BATCH + 8 * RECORD_OVERHEAD + SLACK;

    /// How much plaintext may be sealed now, in whole records.
    pub fn room(&self) -> usize {
        (self.out.len() - self.to).saturating_sub(SLACK) / (RECORD + RECORD_OVERHEAD) * RECORD
    }

    /// Seals at most `room()` bytes into records of their own.
    pub fn seal(&mut self, plain: &[u8]) -> Result<(), String> {
        self.to += encrypt(&mut self.connection, plain, &mut self.out[self.to..])?;
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

    /// Writes to the socket once. Whether anything was taken in the socket's write timeout.
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

/// Why plaintext could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The connection ended after so many of the bytes asked for.
    Ended { read: usize },
    /// The operating system gave the connection up.
    Lost(String),
    /// What came is not what the peer's TLS would send.
    Garbage(String),
}

/// Where plaintext comes from.
pub(crate) trait Plaintext {
    /// Fills `into`.
    fn read_exact(&mut self, into: &mut [u8]) -> Result<(), ReadError>;
}

/// The reading end.
pub(crate) struct TlsReader<C> {
    socket: TcpStream,
    connection: C,
    /// Ciphertext received and not decrypted is `incoming[from..to]`.
    incoming: Vec<u8>,
    from: usize,
    to: usize,
    /// Plaintext of a record beyond what was asked for, from `next` on.
    plain: Vec<u8>,
    next: usize,
}

impl<C: Connection> TlsReader<C> {
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Completes a handshake in the time given.
    fn handshake(socket: TcpStream, mut connection: C, until: Instant) -> Result<Self, String> {
        let mut incoming = vec![0; READ];
        let mut to = 0;
        let mut outgoing = Vec::new();
        loop {
            let UnbufferedStatus { discard, state } = connection.process(&mut incoming[..to]);
            let mut needs_more = false;
            match state {
                Err(error) => {
                    send_alert(&mut connection, &socket, until);
                    return Err(error.to_string());
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    let at = outgoing.len();
                    outgoing.resize(at + HANDSHAKE, 0);
                    let length = data.encode(&mut outgoing[at..]).map_err(|error| error.to_string())?;
                    outgoing.truncate(at + length);
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    limit(&socket, until)?;
                    (&socket).write_all(&outgoing).map_err(|error| error.to_string())?;
                    outgoing.clear();
                    data.done();
                }
                Ok(ConnectionState::BlockedHandshake) => needs_more = true,
                Ok(ConnectionState::WriteTraffic(_)) => {
                    drop(state);
                    needs_more = connection.is_handshaking();
                    if !needs_more {
                        let (from, plain) = (discard, Vec::new());
                        return Ok(Self { socket, connection, incoming, from, to, plain, next: 0 });
                    }
                }
                Ok(_) => return Err("it closed the connection during the handshake".to_owned()),
            }
            incoming.copy_within(discard..to, 0);
            to -= discard;
            if needs_more {
                limit(&socket, until)?;
                match (&socket).read(&mut incoming[to..]) {
                    Ok(0) => return Err("it closed the connection during the handshake".to_owned()),
                    Ok(read) => to += read,
                    Err(error) if is_timeout(&error) => return Err("the handshake took too long".to_owned()),
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
    }

    /// Decrypts the next record if all of it is here, into `into` from `read` on and the rest into `plain`,
    /// which is empty. Whether there was a record.
    fn decrypt(&mut self, into: &mut [u8], read: &mut usize) -> Result<bool, ReadError> {
        let UnbufferedStatus { mut discard, state } =
            self.connection.process(&mut self.incoming[self.from..self.to]);
        let mut progress = discard > 0;
        match state.map_err(|error| ReadError::Garbage(error.to_string()))? {
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
                return Err(ReadError::Ended { read: *read });
            }
            // An answer to a change of keys, which need not be sent on a connection in one direction.
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

    /// Reads more ciphertext. False at the end of the connection.
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

/// Tells the other end why a handshake failed, if it listens.
fn send_alert(connection: &mut impl Connection, socket: &TcpStream, until: Instant) {
    let mut alert = vec![0; HANDSHAKE];
    if let Ok(ConnectionState::EncodeTlsData(mut data)) = connection.process(&mut []).state
        && let Ok(length) = data.encode(&mut alert)
        && limit(socket, until).is_ok()
    {
        // Best effort: the handshake has failed already.
        let _ = { socket }.write_all(&alert[..length]);
    }
}

/// Lets the socket's calls take no longer than until then.
fn limit(socket: &TcpStream, until: Instant) -> Result<(), String> {
    let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    socket.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
    socket.set_write_timeout(Some(left)).map_err(|error| error.to_string())
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
