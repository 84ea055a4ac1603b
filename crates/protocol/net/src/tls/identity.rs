//! A member's key and certificate.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};

use crate::NetError;

/// The name in certificates. No member checks it: members compare whole certificates.
pub(super) const HOST: &str = "member.tacita.invalid";

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

    /// Shows this certificate, and signs with its key, in a handshake.
    pub(super) fn resolver(&self) -> Arc<SingleCertAndKey> {
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
