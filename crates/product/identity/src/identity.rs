//! Who a member is to the others: a key that stays on its machine, and a certificate that everybody has.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use tacita_net::NetError;
use zeroize::Zeroizing;

use crate::certificate::{Certificate, MAX_BYTES, pem, read_open};
use crate::encrypted_file::FileKey;
use crate::error::IdentityError;
use crate::file_error::FileError;

/// A fresh certificate is valid from so long before now, as clocks differ.
const BACKDATED: Duration = Duration::from_secs(3600);
/// The most days that a certificate is made for, a hundred years.
const MAX_DAYS: u32 = 36_500;

/// A member's certificate and its private key (ECDSA on P-256), which is never shown and is erased from memory in the end.
pub struct Identity {
    certificate: Certificate,
    /// PKCS #8 in DER.
    key: Zeroizing<Vec<u8>>,
}

impl Identity {
    /// A fresh key, and a certificate for it that is valid for 1 to 36,500 days.
    ///
    /// # Errors
    /// [`FileError`] if a session takes no member of that name, [`IdentityError::Days`] for a number of days out of range,
    /// [`IdentityError::Internal`] if there is no randomness.
    pub fn create(name: &str, days: u32) -> Result<Identity, IdentityError> {
        crate::session_file::check_name(name)?;
        if !(1..=MAX_DAYS).contains(&days) {
            return Err(IdentityError::Days { days, most: MAX_DAYS });
        }
        let fail = |what: &str| IdentityError::Internal(format!("no key could be made: {what}"));
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| fail("no randomness"))?;
        let document = pair.to_pkcs8v1().map_err(|_| fail("it cannot be encoded"))?;
        let certificate = self_signed(name, days, pair).map_err(|error| fail(&error.to_string()))?;
        let certificate = Certificate::from_der(&certificate)?;
        Ok(Identity { certificate, key: Zeroizing::new(document.as_ref().to_vec()) })
    }

    /// Writes `NAME.crt` and `NAME.key` into a folder, each whole or not at all, the key readable by its owner alone.
    /// Returns their paths in this order.
    ///
    /// # Errors
    /// [`FileError`] if one of them is there already, or cannot be written; neither is written then.
    pub fn write(&self, folder: &Path) -> Result<(PathBuf, PathBuf), FileError> {
        let file = |suffix: &str| folder.join(format!("{}.{suffix}", self.certificate.name()));
        let (certificate, key) = (file("crt"), file("key"));
        for path in [&key, &certificate] {
            // also a link to nowhere
            if path.symlink_metadata().is_ok() {
                return Err(FileError::Exists { path: path.clone() });
            }
        }
        let text = Zeroizing::new(pem("PRIVATE KEY", &self.key));
        write_new(&key, text.as_bytes(), 0o600)?;
        if let Err(error) = write_new(&certificate, self.certificate.to_pem().as_bytes(), 0o644) {
            // a key without its certificate would be in the way of the next try
            let _ = std::fs::remove_file(&key);
            return Err(error);
        }
        Ok((certificate, key))
    }

    /// Reads an identity from its two files.
    ///
    /// # Errors
    /// [`FileError`] naming the file that cannot be read or used; see [`Identity::with_key`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Identity, FileError> {
        Identity::with_key(Certificate::read(certificate)?, key)
    }

    /// The identity of a known certificate, with its key from a file.
    ///
    /// # Errors
    /// [`FileError`] naming the file, if it cannot be read, is no key (PEM of an unencrypted PKCS #8 key), belongs to another
    /// certificate, or, on Unix, if others than its owner may read it. A file of root's that a group may read and nobody
    /// write is accepted from who is not root: Kubernetes and systemd hand out secrets like that.
    pub fn with_key(certificate: Certificate, path: &Path) -> Result<Identity, FileError> {
        let unreadable = |error| FileError::Read { path: path.into(), error };
        let file = File::open(path).map_err(unreadable)?;
        // of the file that is open, not of what may have taken its name meanwhile
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            let metadata = file.metadata().map_err(unreadable)?;
            let mode = metadata.permissions().mode() & 0o777;
            if is_exposed(mode, metadata.uid(), rustix::process::geteuid().as_raw()) {
                return Err(FileError::Exposed { path: path.into(), mode });
            }
        }
        let text = Zeroizing::new(read_open(file, path, MAX_BYTES)?);
        Identity::from_parts(certificate, &text).map_err(|error| error.of(path))
    }

    /// The identity of a certificate and the text of its key file.
    ///
    /// # Errors
    /// [`FileError::Invalid`] if the text is no key (PEM of an unencrypted PKCS #8 key), or belongs to another certificate.
    pub fn from_parts(certificate: Certificate, text: &[u8]) -> Result<Identity, FileError> {
        let key = decode(text).ok_or_else(|| {
            FileError::invalid(
                "no private key: expected PEM of an unencrypted PKCS #8 key, `-----BEGIN PRIVATE KEY-----`",
            )
        })?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key).map_err(|_| {
            FileError::invalid(
                "the private key is damaged or not on P-256: `tacita identity` makes one that is",
            )
        })?;
        if pair.public_key().as_ref() != certificate.point() {
            return Err(FileError::invalid(
                "this is the key of another certificate; was the identity made again after the session file?",
            ));
        }
        Ok(Identity { certificate, key })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The key as one of encrypted files; none if it cannot be one, which reading it has excluded.
    pub fn file_key(&self) -> Option<FileKey> {
        use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
        use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
        let key = PrivateKey::from_private_key_der(&ECDH_P256, &self.key).ok()?;
        let scalar: EcPrivateKeyBin<'_> = key.as_be_bytes().ok()?;
        FileKey::from_scalar(scalar.as_ref())
    }

    /// As links take it.
    ///
    /// # Errors
    /// [`NetError`] if TLS does not accept the certificate or the key.
    pub fn for_links(&self) -> Result<tacita_net::Identity, NetError> {
        tacita_net::Identity::new(self.certificate.der(), &self.key)
    }
}

/// Shows nothing of the key.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// The bytes of a private key in PEM, decoded into a buffer that is erased.
fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut decoder = pem_rfc7468::Decoder::new_detect_wrap(text.trim_ascii_end()).ok()?;
    if decoder.type_label() != "PRIVATE KEY" {
        return None;
    }
    let mut key = Zeroizing::new(vec![0; decoder.remaining_len()]);
    decoder.decode(&mut key).ok()?;
    Some(key)
}

#[expect(clippy::disallowed_methods, reason = "a certificate's dates are of the wall clock")]
fn self_signed(name: &str, days: u32, pair: EcdsaKeyPair) -> Result<Vec<u8>, rcgen::Error> {
    let mut parameters = rcgen::CertificateParams::new([])?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    let now = SystemTime::now();
    parameters.not_before = (now - BACKDATED).into();
    parameters.not_after = (now + Duration::from_secs(u64::from(days) * 86_400)).into();
    Ok(parameters.self_signed(&Signer(pair))?.der().to_vec())
}

/// Signs a certificate without handing the key to the library that writes it, which would keep a copy.
struct Signer(EcdsaKeyPair);

impl rcgen::PublicKeyData for Signer {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let signature = self.0.sign(&random, message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.as_ref().to_vec())
    }
}

/// Whether a key of these permissions and this owner may be read by others than `me`, as far as permissions tell.
#[cfg(unix)]
fn is_exposed(mode: u32, owner: u32, me: u32) -> bool {
    let handed_out = owner == 0 && me != 0 && mode & 0o037 == 0;
    mode & 0o077 != 0 && !handed_out
}

/// Writes a file that is not there, whole, durably, and with these permissions from its first moment.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let steps = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tacita-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(mode));
        }
        #[cfg(not(unix))]
        let _ = mode;
        // without tempfile's own path in the message, which means nothing to the user
        let file = builder.tempfile_in(folder).map_err(|error| std::io::Error::from(error.kind()))?;
        file.as_file().write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    steps().map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => FileError::Exists { path: path.into() },
        _ => FileError::Write { path: path.into(), error },
    })
}

/// Makes the names in a folder durable, where the system can.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(outcome: Result<impl Sized, FileError>, path: &Path, word: &str) {
        let error = outcome.map(drop).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&path.display().to_string()) && text.contains(word), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn an_identity_comes_back_from_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let made = Identity::create("alice", 10).unwrap();
        let (certificate, key) = made.write(folder.path()).unwrap();
        let read = Identity::read(&certificate, &key).unwrap();
        assert!(read.for_links().is_ok());
        assert_eq!(read.certificate(), made.certificate());
        assert_eq!(read.certificate().name(), "alice");
        assert!(*read.key == *made.key);
        let seconds = made.certificate().not_after() - made.certificate().not_before();
        assert_eq!(seconds, 10 * 86_400 + 3600);
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "nothing but the two files is left");
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = Identity::create("alice", 10).unwrap().write(folder.path()).unwrap();
        let before = (std::fs::read(&certificate).unwrap(), std::fs::read(&key).unwrap());
        let again = Identity::create("alice", 10).unwrap();
        fails(again.write(folder.path()), &key, "already");
        assert_eq!((std::fs::read(&certificate).unwrap(), std::fs::read(&key).unwrap()), before);
        std::fs::remove_file(&key).unwrap();
        fails(again.write(folder.path()), &certificate, "already");
        assert!(!key.exists());
        fails(again.write(&folder.path().join("nowhere")), &folder.path().join("nowhere"), "cannot write");
    }

    #[test]
    fn keys_that_cannot_be_used_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name| Identity::create(name, 10).unwrap().write(folder.path()).unwrap();
        let ((alice, key), (_, other)) = (write("alice"), write("bob"));
        fails(Identity::read(&alice, &other), &other, "another certificate");
        fails(Identity::read(&key, &alice), &key, "BEGIN CERTIFICATE");
        let missing = folder.path().join("carol.key");
        fails(Identity::read(&alice, &missing), &missing, "cannot read");
        let certificate = Certificate::read(&alice).unwrap();
        let text = std::fs::read_to_string(&key).unwrap();
        let parse = |text: &str| Identity::from_parts(certificate.clone(), text.as_bytes());
        assert!(parse(&text).is_ok());
        for wrong in [
            String::new(),
            text.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            text.replace("PRIVATE KEY", "EC PRIVATE KEY"),
            text[..text.len() / 2].to_owned(),
            text.replace("M", "N"),
            certificate.to_pem(),
        ] {
            assert!(matches!(parse(&wrong), Err(FileError::Invalid { .. })));
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_a_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = Identity::create("alice", 10).unwrap().write(folder.path()).unwrap();
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        for (mode, fits) in [(0o400, true), (0o640, false), (0o604, false), (0o620, false), (0o700, true)] {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = Identity::read(&certificate, &key);
            match fits {
                true => assert!(read.is_ok(), "{mode:o}"),
                false => fails(read, &key, &format!("chmod 600 {}", key.display())),
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_root_hands_out_to_a_group_is_not_exposed() {
        for (mode, owner, me, exposed) in [
            (0o600, 1000, 1000, false),
            (0o640, 1000, 1000, true),
            (0o440, 0, 65532, false),
            (0o640, 0, 65532, false),
            (0o440, 0, 0, true),
            (0o460, 0, 65532, true),
            (0o444, 0, 65532, true),
        ] {
            assert_eq!(is_exposed(mode, owner, me), exposed, "{mode:o} of {owner} for {me}");
        }
    }

    #[test]
    fn names_and_days_have_limits() {
        let long = "a".repeat(33);
        for name in ["", "Alice", "a b", "../alice", "a.b", "äther", long.as_str()] {
            assert!(matches!(Identity::create(name, 10), Err(IdentityError::File(_))), "{name}");
        }
        for days in [0, 36_501, u32::MAX] {
            assert!(matches!(Identity::create("alice", days), Err(IdentityError::Days { .. })), "{days}");
        }
        assert!(Identity::create("a-z_09", 36_500).is_ok());
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let made = Identity::create("alice", 1).unwrap();
        let certificate = format!("{:?}", made.certificate());
        assert_eq!(format!("{made:?}"), format!("Identity {{ certificate: {certificate}, .. }}"));
    }
}
