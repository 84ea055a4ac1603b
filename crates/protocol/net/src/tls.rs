//! TLS 1.3, used in one direction: once a connection is made, one end writes and the other reads.
//!
//! A link is two such connections, both dialled by the same side, so each end of each has one thread that does one thing
//! in blocking calls, and no lock is held across directions. Both ends show a certificate and compare the other's, byte
//! by byte, with the one that they were given; signatures are checked by rustls's provider.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::NetError;
use crate::inbox::Heard;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnectionData, Resumption, UnbufferedClientConnection};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, CommonState, DigitallySignedStruct, DistinguishedName,
    Error, ServerConfig, SignatureScheme,
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
/// What the acceptor says once it has accepted the dialler's certificate; the dialler says nothing before.
const GREETING: [u8; 1] = [1];
/// Why a connection ends on which the other end says something while it should listen.
const OUT_OF_TURN: &str = "it spoke out of turn";

/// A member's key and certificate. The key is never shown.
#[derive(Clone)]
pub struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    key: Arc<dyn SigningKey>,
}

impl Identity {
    /// A fresh key and a certificate signed with it, for one process and one session.
    ///
    /// # Errors
    /// [`System`](NetError::System) if there is no randomness.
    pub fn ephemeral() -> Result<Self, NetError> {
        let fail = |cause: String| NetError::System { doing: "making a certificate".to_owned(), cause };
        let key = rcgen::KeyPair::generate().map_err(|error| fail(error.to_string()))?;
        let parameters = rcgen::CertificateParams::new([HOST.to_owned()]);
        let certificate = parameters.and_then(|parameters| parameters.self_signed(&key));
        let certificate = certificate.map_err(|error| fail(error.to_string()))?;
        Self::new(certificate.der(), &key.serialize_der())
    }

    /// A certificate in DER, and its key as PKCS #8 in DER.
    ///
    /// # Errors
    /// [`System`](NetError::System) if one of them cannot be read, or the key is not the certificate's.
    pub fn new(certificate: &[u8], key: &[u8]) -> Result<Self, NetError> {
        let fail =
            |cause: String| NetError::System { doing: "reading a key and its certificate".to_owned(), cause };
        let certificate = CertificateDer::from(certificate.to_vec());
        let key = PrivatePkcs8KeyDer::from(key.to_vec()).into();
        let key = aws_lc_rs::default_provider().key_provider.load_private_key(key);
        let key = key.map_err(|_| fail("the key cannot be read: it must be PKCS #8".to_owned()))?;
        CertifiedKey::new(vec![certificate.clone()], key.clone())
            .keys_match()
            .map_err(|_| fail("the key is not the certificate's".to_owned()))?;
        Ok(Self { certificate, key })
    }

    /// The certificate in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(CertifiedKey::new(vec![self.certificate.clone()], self.key.clone()).into())
    }

    #[cfg(test)]
    pub(crate) fn with_certificate_of(&self, other: &Self) -> Self {
        Self { certificate: other.certificate.clone(), key: self.key.clone() }
    }
}

/// Shows nothing of the key.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
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

/// What an error of TLS means for whoever runs a member.
fn explain(error: &Error) -> String {
    let meaning = match error {
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            "it showed another certificate than the session's"
        }
        Error::InvalidCertificate(CertificateError::BadSignature) => "it has not the key of its certificate",
        Error::NoCertificatesPresented => "it showed no certificate",
        Error::AlertReceived(AlertDescription::AccessDenied) => {
            "it refused this member's certificate, which is another than the session's"
        }
        Error::AlertReceived(AlertDescription::DecryptError) => {
            "it refused this member's key, which is not its certificate's"
        }
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "it does not speak TLS 1.3"
        }
        Error::InvalidMessage(_) => "it does not speak TLS",
        _ => return error.to_string(),
    };
    format!("{meaning} ({error})")
}

/// Why a connection did not come about.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The network's fault, or the other end's haste: it may work later.
    Lost(String),
    /// The other end is not who it should be, or does not speak our protocol.
    Wrong(String),
}

/// The dialler's half of a handshake, over a fresh TCP connection, with whoever has this certificate.
pub(crate) fn dial(
    socket: TcpStream,
    identity: &Identity,
    peer: &CertificateDer<'static>,
    until: Instant,
) -> Result<TlsStream<UnbufferedClientConnection>, Failed> {
    let connection = dialer(identity, peer).map_err(|error| Failed::Wrong(error.to_string()))?;
    let mut stream = TlsStream::handshake(socket, connection, until)?;
    let mut greeting = [0];
    stream.read(&mut greeting, until)?;
    match greeting == GREETING {
        true => Ok(stream),
        false => Err(Failed::Wrong("it does not speak our protocol".to_owned())),
    }
}

/// The acceptor's half, with the holder of one of these certificates: the connection, and whose it is.
pub(crate) fn accept(
    socket: TcpStream,
    identity: &Identity,
    peers: &[CertificateDer<'static>],
    until: Instant,
) -> Result<(usize, TlsStream<UnbufferedServerConnection>), Failed> {
    let connection = acceptor(identity, peers).map_err(|error| Failed::Wrong(error.to_string()))?;
    let mut stream = TlsStream::handshake(socket, connection, until)?;
    if stream.0.connection.alpn_protocol() != Some(PROTOCOL) {
        return Err(Failed::Wrong("it does not speak our protocol".to_owned()));
    }
    let shown = stream.0.connection.peer_certificates().and_then(<[_]>::first);
    let who = peers.iter().position(|peer| Some(peer) == shown);
    let who = who.ok_or_else(|| Failed::Wrong("it showed no certificate".to_owned()))?;
    stream.send(&GREETING, until)?;
    Ok((who, stream))
}

/// A connection that both ends may still use both ways, a few bytes at a time, before it becomes a lane.
pub(crate) struct TlsStream<C>(TlsReader<C>);

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

    /// Reads so many bytes.
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

    /// The end that reads.
    pub fn into_reader(self) -> Result<TlsReader<C>, Failed> {
        self.0.socket.set_read_timeout(None).map_err(|error| Failed::Lost(error.to_string()))?;
        Ok(self.0)
    }

    /// The end that writes. From now on nothing is read, so nothing may be left.
    pub fn into_writer(self) -> Result<TlsWriter<C>, Failed> {
        let TlsReader { socket, connection, from, to, .. } = self.0;
        if from < to {
            return Err(Failed::Wrong(OUT_OF_TURN.to_owned()));
        }
        let out = vec![0; BATCH + 8 * RECORD_OVERHEAD + SLACK];
        Ok(TlsWriter { socket, connection, out, from: 0, to: 0 })
    }

    /// Completes a handshake in the time given.
    fn handshake(socket: TcpStream, connection: C, until: Instant) -> Result<Self, Failed> {
        TlsReader::handshake(socket, connection, until).map(Self)
    }
}

/// What both ends of a rustls connection have in common.
pub(crate) trait Connection:
    std::ops::DerefMut<Target: std::ops::Deref<Target = CommonState>> + Send + 'static
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

/// Encrypts, after whatever TLS has to say first. Returns the bytes written to `out`, and those of `incoming` that are done
/// with: what was received and is not decrypted, as a message that has begun to come is found there again.
fn encrypt(
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
            // It is on its way once the caller sends `out`.
            ConnectionState::TransmitTlsData(data) => data.done(),
            ConnectionState::ReadTraffic(_) => return Err(OUT_OF_TURN.to_owned()),
            _ => return Err("the connection is closed".to_owned()),
        }
    }
}

/// The writing end. Seals plaintext into a buffer, from which the socket takes it.
pub(crate) struct TlsWriter<C> {
    socket: TcpStream,
    connection: C,
    out: Vec<u8>,
    /// What is sealed and not written is `out[from..to]`.
    from: usize,
    to: usize,
}

/// Plaintext that is sealed at once.
pub(crate) const BATCH: usize = 8 * RECORD;

impl<C: Connection> TlsWriter<C> {
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
    /// The other end closed the connection as it should, after so many of the bytes asked for.
    Closed { read: usize },
    /// The connection ended without a word after so many of the bytes asked for: a process that ended, or an attacker.
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
    /// Told of every byte that comes.
    heard: Heard,
}

impl<C: Connection> TlsReader<C> {
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Tells this of every byte that comes from now on.
    pub fn tell(&mut self, heard: Heard) {
        heard.hear(0);
        self.heard = heard;
    }

    /// Completes a handshake in the time given.
    fn handshake(socket: TcpStream, mut connection: C, until: Instant) -> Result<Self, Failed> {
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
                        let (from, plain) = (discard, Vec::new());
                        let heard = Heard::default();
                        return Ok(Self { socket, connection, incoming, from, to, plain, next: 0, heard });
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

    /// Decrypts the next record if all of it is here, into `into` from `read` on and the rest into `plain`,
    /// which is empty. Whether there was a record.
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

/// Tells the other end why a handshake failed, if it listens.
/// `incoming` is what was received and is not done with.
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

/// Lets the socket's calls take no longer than until then.
fn limit(socket: &TcpStream, until: Instant) -> Result<(), String> {
    let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    socket.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
    socket.set_write_timeout(Some(left)).map_err(|error| error.to_string())
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
