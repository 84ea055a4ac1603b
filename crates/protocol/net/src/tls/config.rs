//! The settings of both ends: TLS 1.3 alone, pinned certificates, no resumption.

use std::sync::Arc;

use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::UnbufferedServerConnection;
use rustls::{ClientConfig, Error, ServerConfig};

use super::identity::{HOST, Identity};
use super::pinned::pinned;

/// Names our protocol and its version in the handshake.
pub(super) const PROTOCOL: &[u8] = b"tacita/1";

/// The dialler's end of a connection to the holder of this certificate.
pub(super) fn dialer(
    identity: &Identity,
    peer: &CertificateDer<'static>,
) -> Result<UnbufferedClientConnection, Error> {
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

/// The acceptor's end of a connection to the holder of one of these certificates.
pub(super) fn acceptor(
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
