//! What the others know a member by.

use std::io::Read;
use std::path::Path;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::file_error::FileError;

/// The longest file that is read as a key or a certificate.
pub(crate) const MAX_BYTES: usize = 1 << 16;

/// How a public key on P-256 begins in a certificate (RFC 5480), up to its point.
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, // a key of 89 bytes, whose algorithm takes 19
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, // id-ecPublicKey
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, // secp256r1
    0x03, 0x42, 0x00, // a string of 65 bytes
];

/// A member's certificate, of an ECDSA key on P-256.
///
/// It says who somebody is by being known: sessions compare the whole of it, and nothing else vouches for it. So who signed
/// it and which name is in it do not matter; its dates do.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    name: String,
    /// The public point, uncompressed.
    point: Vec<u8>,
    not_before: i64,
    not_after: i64,
}

impl Certificate {
    /// Reads a certificate file, in PEM.
    ///
    /// # Errors
    /// [`FileError`] naming the file.
    pub fn read(path: &Path) -> Result<Certificate, FileError> {
        let text = read(path, MAX_BYTES)?;
        parse_pem(&text).map_err(|error| error.of(path))
    }

    /// Reads the one certificate of a PEM text.
    ///
    /// # Errors
    /// [`FileError`] if there is none, or several.
    pub fn from_pem(text: &[u8]) -> Result<Certificate, FileError> {
        parse_pem(text)
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// [`FileError`] if it is none.
    pub fn from_der(der: &[u8]) -> Result<Certificate, FileError> {
        parse_der(der)
    }

    /// The certificate in DER: what is compared.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM, as files have it.
    pub fn to_pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    /// The name in it (common name), which its maker chose; empty if there is none. It may hold any character.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// From when it is valid, in seconds since 1970.
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// Until when it is valid, in seconds since 1970.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// The public key: a point of P-256, uncompressed, not checked to be on the curve.
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// SHA-256 of the certificate in DER, as other tools show it, for people to compare.
    pub fn sha256(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der).as_ref());
        hash
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hash = crate::hex(&self.sha256());
        f.debug_struct("Certificate").field("name", &self.name).field("sha256", &hash).finish_non_exhaustive()
    }
}

fn parse_pem(text: &[u8]) -> Result<Certificate, FileError> {
    let mut sections = CertificateDer::pem_slice_iter(text);
    let none =
        "no certificate: expected PEM, from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`";
    let Some(Ok(der)) = sections.next() else { return Err(FileError::invalid(none)) };
    if sections.next().is_some() {
        return Err(FileError::invalid(
            "more than one certificate: keep the member's own and remove the others",
        ));
    }
    parse_der(&der)
}

fn parse_der(der: &[u8]) -> Result<Certificate, FileError> {
    let broken = || FileError::invalid("the certificate is damaged: ask its owner for it again");
    let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| broken())?;
    if !rest.is_empty() {
        return Err(broken());
    }
    let point = match parsed.public_key().raw.strip_prefix(P256) {
        Some(point) if point.len() == 65 && point[0] == 4 => point.to_vec(),
        _ => {
            return Err(FileError::invalid(
                "the certificate's key is not on P-256: `tacita identity` makes one that is",
            ));
        }
    };
    let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    let name = name.unwrap_or_default().to_owned();
    let validity = parsed.validity();
    let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    Ok(Certificate { der: der.to_vec(), name, point, not_before, not_after })
}

/// PEM (RFC 7468), in lines of 64.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    // room for all of it: a private key is not left behind in memory by growing
    let ending = pem_rfc7468::LineEnding::LF;
    let text = pem_rfc7468::encode_string(label, ending, der);
    text.expect("a label of capital letters and less than a gigabyte")
}

/// The whole of a small file.
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, FileError> {
    let file = std::fs::File::open(path).map_err(|error| FileError::Read { path: path.into(), error })?;
    read_open(file, path, most)
}

/// The rest of a small file.
pub(crate) fn read_open(file: std::fs::File, path: &Path, most: usize) -> Result<Vec<u8>, FileError> {
    // never grown, so that no copy of a secret stays behind
    let mut bytes = Vec::with_capacity(most + 1);
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| FileError::Read { path: path.into(), error })?;
    if bytes.len() > most {
        return Err(
            FileError::invalid(format!("it has more than {most} bytes, so it is something else")).of(path)
        );
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;

    #[test]
    fn a_certificate_comes_back() {
        let made = Identity::create("alice", 10).unwrap().certificate().clone();
        let pem = made.to_pem();
        assert!(pem.lines().all(|line| line.len() <= 64));
        assert_eq!(Certificate::from_pem(pem.as_bytes()).unwrap(), made);
        assert_eq!(Certificate::from_der(made.der()).unwrap(), made);
        assert_eq!(Certificate::from_pem(format!("alice's:\n{pem}that was it\n").as_bytes()).unwrap(), made);
    }

    #[test]
    fn two_certificates_are_not_one() {
        let [a, b] = ["a", "b"].map(|name| Identity::create(name, 10).unwrap().certificate().to_pem());
        let error = Certificate::from_pem((a + &b).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("more than one"), "{error}");
    }

    #[test]
    fn other_keys_are_refused() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        let certificate = rcgen::CertificateParams::new([]).unwrap().self_signed(&key).unwrap();
        let error = Certificate::from_der(certificate.der()).unwrap_err();
        assert!(error.to_string().contains("P-256"), "{error}");
        // a point of the same length, and another curve
        let mut der = Identity::create("alice", 10).unwrap().certificate().der().to_vec();
        let curve = der.windows(P256.len()).position(|part| part == P256).unwrap() + P256.len() - 4;
        der[curve] = 6;
        let error = Certificate::from_der(&der).unwrap_err();
        assert!(error.to_string().contains("P-256"), "{error}");
    }

    #[test]
    fn damaged_certificates_are_errors_or_other_certificates() {
        let made = Identity::create("alice", 10).unwrap().certificate().clone();
        for end in 0..made.der().len() {
            assert!(Certificate::from_der(&made.der()[..end]).is_err());
            for flip in [1, 0x40, 0xff] {
                let mut der = made.der().to_vec();
                der[end] ^= flip;
                assert!(Certificate::from_der(&der).map_or(true, |other| other != made));
            }
        }
        let mut longer = made.der().to_vec();
        longer.push(0);
        assert!(Certificate::from_der(&longer).is_err());
    }
}
