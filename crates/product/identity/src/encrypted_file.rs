//! Encrypted files: a key by HPKE (RFC 9180) in authenticated mode, then chunks of 64 KiB and a shorter last one.
//!
//! The suite is DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, export only. The exported secret is an AES-256-GCM key. A chunk's
//! nonce holds its number and whether it is the last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár,
//! CRYPTO 2015). A file stores the encapsulated key ([`ENCAPSULATED`] bytes) outside the chunks, in its own header.
//! AES-GCM is aws-lc's, since files of corrections have gigabytes and the AEADs that `hpke` brings take five times as long.
//!
//! # Security
//! Only the recipient reads a file, and the recipient knows that the sender, or the recipient itself, wrote it. A changed
//! byte, a chunk that is missing, moved or repeated, a cut at any place, and bytes after the end are refused. What a caller
//! passes as `info` is bound to the key. Each file has a fresh encapsulated key, so no nonce repeats.

use std::io::{BufRead, Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hpke::aead::ExportOnlyAead;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, HpkeError, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

/// Plaintext bytes of a chunk.
const CHUNK: usize = 1 << 16;
/// What encryption adds to a chunk.
const TAG: usize = 16;
/// Bytes of an encapsulated key: an uncompressed point of P-256.
pub const ENCAPSULATED: usize = 65;
/// What the secret is exported for.
const EXPORTED: &[u8] = b"tacita chunks";

type PrivateKey = <DhP256HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <DhP256HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <DhP256HkdfSha256 as Kem>::EncappedKey;

/// A key pair that encrypts and decrypts files. It is erased from memory when dropped, and never shown.
pub struct FileKey {
    private: PrivateKey,
    public: PublicKey,
}

impl FileKey {
    /// The key pair of a private scalar of P-256, big-endian; none if it is out of range.
    pub(crate) fn from_scalar(scalar: &[u8]) -> Option<FileKey> {
        let private = PrivateKey::from_bytes(scalar).ok()?;
        let public = DhP256HkdfSha256::sk_to_pk(&private);
        Some(FileKey { private, public })
    }

    /// The key pair that follows from 32 secret random bytes.
    pub fn derive(secret: &[u8; 32]) -> FileKey {
        let (private, public) = DhP256HkdfSha256::derive_keypair(secret);
        FileKey { private, public }
    }

    /// The public key: an uncompressed point of P-256.
    pub fn public(&self) -> [u8; ENCAPSULATED] {
        self.public.to_bytes().into()
    }
}

/// The AES-256-GCM key that `export` fills with a secret.
fn exported(export: impl Fn(&[u8], &mut [u8]) -> Result<(), HpkeError>) -> Result<LessSafeKey, HpkeError> {
    let mut secret = Zeroizing::new([0; 32]);
    export(EXPORTED, &mut *secret)?;
    let key = UnboundKey::new(&AES_256_GCM, &*secret).map_err(|_| HpkeError::ValidationError)?;
    Ok(LessSafeKey::new(key))
}

/// The nonce of a chunk. Keys are fresh, so numbers may begin at 0.
fn nonce(chunk: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&chunk.to_le_bytes());
    bytes[8] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// The key of one file, before anything is written.
pub struct Encryption {
    key: LessSafeKey,
    encapsulated: [u8; ENCAPSULATED],
}

impl Encryption {
    /// A fresh key for a file from `sender` to the holder of the public key `recipient`, bound to `info`.
    ///
    /// # Errors
    /// If `recipient` is no point of P-256, or the system gives no randomness.
    pub fn new(sender: &FileKey, recipient: &[u8], info: &[u8]) -> Result<Encryption, HpkeError> {
        let recipient = PublicKey::from_bytes(recipient)?;
        let mode = OpModeS::Auth((sender.private.clone(), sender.public.clone()));
        let (encapsulated, context) =
            hpke::setup_sender::<ExportOnlyAead, HkdfSha256, DhP256HkdfSha256>(&mode, &recipient, info)?;
        let key = exported(|purpose, into| context.export(purpose, into))?;
        Ok(Encryption { key, encapsulated: encapsulated.to_bytes().into() })
    }

    /// The encapsulated key, which the file's header holds.
    pub fn encapsulated(&self) -> &[u8; ENCAPSULATED] {
        &self.encapsulated
    }

    /// Encrypts what is put into the writer, and writes it to `to`.
    pub fn writer<W: Write>(self, to: W) -> EncryptedWriter<W> {
        let plain = Zeroizing::new(Vec::with_capacity(CHUNK));
        EncryptedWriter { to, key: self.key, chunk: 0, plain, written: 0 }
    }
}

/// Encrypts bytes in chunks.
pub struct EncryptedWriter<W> {
    to: W,
    key: LessSafeKey,
    chunk: u64,
    plain: Zeroizing<Vec<u8>>,
    written: u64,
}

impl<W: Write> EncryptedWriter<W> {
    /// Encrypts some more bytes.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn put(&mut self, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            // a full chunk waits until more comes, since it may be the last
            if self.plain.len() == CHUNK {
                self.write_chunk(false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.plain.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn write_chunk(&mut self, last: bool) -> std::io::Result<()> {
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce(self.chunk, last), Aad::empty(), &mut self.plain)
            .map_err(|_| std::io::Error::other("it cannot be encrypted"))?;
        self.chunk += 1;
        self.to.write_all(&self.plain)?;
        self.to.write_all(tag.as_ref())?;
        self.written += (self.plain.len() + TAG) as u64;
        self.plain.clear();
        Ok(())
    }

    /// Encrypts the last chunk. Returns where all was written to, and how many bytes that were.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> std::io::Result<(W, u64)> {
        self.write_chunk(true)?;
        Ok((self.to, self.written))
    }
}

/// Fills a buffer as far as the source reaches. Returns how many bytes came.
///
/// # Errors
/// If the source cannot be read.
pub fn read_up_to(source: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut there = 0;
    while there < into.len() {
        match source.read(&mut into[there..])? {
            0 => break,
            more => there += more,
        }
    }
    Ok(there)
}

/// The key that decrypts one file.
pub struct Decryption {
    key: LessSafeKey,
}

impl Decryption {
    /// The key of a file for `recipient` from the holder of the public key `sender`, with the encapsulated key that the
    /// file's header holds, and `info` as the file was written with.
    ///
    /// # Errors
    /// If `sender` or `encapsulated` is no point of P-256. A wrong one is noticed at the first chunk.
    pub fn new(
        recipient: &FileKey,
        sender: &[u8],
        encapsulated: &[u8],
        info: &[u8],
    ) -> Result<Decryption, HpkeError> {
        let mode = OpModeR::Auth(PublicKey::from_bytes(sender)?);
        let encapsulated = EncappedKey::from_bytes(encapsulated)?;
        let private = &recipient.private;
        let context = hpke::setup_receiver::<ExportOnlyAead, HkdfSha256, DhP256HkdfSha256>(
            &mode,
            private,
            &encapsulated,
            info,
        )?;
        Ok(Decryption { key: exported(|purpose, into| context.export(purpose, into))? })
    }

    /// Reads the chunks of `source` as one stream.
    pub fn reader<R: BufRead>(self, source: R) -> EncryptedReader<R> {
        let plain = Zeroizing::new(Vec::new());
        EncryptedReader { source, key: self.key, chunk: 0, plain, at: 0, ended: false }
    }
}

/// Decrypts chunks as one stream.
pub struct EncryptedReader<R> {
    /// Where the encrypted chunks come from.
    pub source: R,
    key: LessSafeKey,
    chunk: u64,
    plain: Zeroizing<Vec<u8>>,
    at: usize,
    ended: bool,
}

impl<R: BufRead> EncryptedReader<R> {
    /// Fills a buffer with what comes next.
    ///
    /// # Errors
    /// If a chunk is missing or changed, or the source cannot be read.
    pub fn read_exact(&mut self, mut into: &mut [u8]) -> Result<(), String> {
        while !into.is_empty() {
            if self.at == self.plain.len() {
                self.read_chunk()?;
            }
            let now = into.len().min(self.plain.len() - self.at);
            into[..now].copy_from_slice(&self.plain[self.at..self.at + now]);
            self.at += now;
            into = &mut into[now..];
        }
        Ok(())
    }

    fn read_chunk(&mut self) -> Result<(), String> {
        if self.ended {
            return Err("it ends before all is there".to_owned());
        }
        self.plain.resize(CHUNK + TAG, 0);
        self.at = 0;
        let read = read_up_to(&mut self.source, &mut self.plain).map_err(|error| error.to_string())?;
        let last = self.source.fill_buf().map_err(|error| error.to_string())?.is_empty();
        self.plain.truncate(read);
        let opened = self.key.open_in_place(nonce(self.chunk, last), Aad::empty(), &mut self.plain);
        let length = opened.ok().map(|plain| plain.len());
        // nothing of a chunk that is refused is handed out
        self.plain.truncate(length.unwrap_or(0));
        self.chunk += 1;
        self.ended = last;
        match length {
            None => Err("it is damaged, cut off, or encrypted for another key".to_owned()),
            Some(0) if !last => Err("an empty chunk".to_owned()),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encrypt(from: &FileKey, to: &FileKey, plain: &[u8]) -> (Vec<u8>, [u8; ENCAPSULATED]) {
        let encryption = Encryption::new(from, &to.public(), b"info").unwrap();
        let encapsulated = *encryption.encapsulated();
        let mut writer = encryption.writer(vec![]);
        plain.chunks(1000).for_each(|part| writer.put(part).unwrap());
        let (encrypted, written) = writer.finish().unwrap();
        assert_eq!(encrypted.len() as u64, written);
        (encrypted, encapsulated)
    }

    fn decrypt(decryption: Decryption, encrypted: &[u8], length: usize) -> Result<Vec<u8>, String> {
        let (mut reader, mut got) = (decryption.reader(encrypted), vec![0; length]);
        reader.read_exact(&mut got)?;
        match reader.read_exact(&mut [0]) {
            Err(end) if end.contains("ends before") => Ok(got),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn plaintexts_of_any_length_come_back_and_changed_or_cut_files_are_refused() {
        let (from, to) = (FileKey::derive(&[1; 32]), FileKey::derive(&[2; 32]));
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 9] {
            let plain: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let (encrypted, encapsulated) = encrypt(&from, &to, &plain);
            let read = |bytes: &[u8]| {
                let key = Decryption::new(&to, &from.public(), &encapsulated, b"info").unwrap();
                decrypt(key, bytes, length)
            };
            assert_eq!(read(&encrypted), Ok(plain), "{length}");
            for at in [0, encrypted.len() / 2, encrypted.len() - 1] {
                let mut changed = encrypted.clone();
                changed[at] ^= 1;
                assert!(read(&changed).is_err(), "byte {at} of {length}");
                assert!(read(&encrypted[..at]).is_err(), "cut at {at} of {length}");
            }
            assert!(read(&[&encrypted[..], &[0]].concat()).is_err(), "one byte more than {length}");
        }
    }

    #[test]
    fn every_changed_or_cut_byte_of_a_small_file_is_refused() {
        let key = FileKey::derive(&[1; 32]);
        let (encrypted, encapsulated) = encrypt(&key, &key, b"shares");
        let open = |encapsulated: &[u8], bytes: &[u8]| {
            let key = Decryption::new(&key, &key.public(), encapsulated, b"info");
            decrypt(key.map_err(|error| error.to_string())?, bytes, 6)
        };
        assert_eq!(open(&encapsulated, &encrypted).unwrap(), b"shares");
        for at in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[at] ^= 0x40;
            assert!(open(&encapsulated, &changed).is_err() && open(&encapsulated, &encrypted[..at]).is_err());
        }
        for at in 0..ENCAPSULATED {
            let mut changed = encapsulated;
            changed[at] ^= 1;
            assert!(open(&changed, &encrypted).is_err());
        }
    }

    #[test]
    fn cuts_at_chunks_and_chunks_in_another_order_are_refused() {
        let key = FileKey::derive(&[1; 32]);
        let whole = CHUNK + TAG;
        let (encrypted, encapsulated) = encrypt(&key, &key, &vec![5; 3 * CHUNK]);
        let open = |bytes: &[u8], length| {
            let key = Decryption::new(&key, &key.public(), &encapsulated, b"info").unwrap();
            decrypt(key, bytes, length)
        };
        assert!(open(&encrypted, 3 * CHUNK).is_ok());
        assert!(open(&encrypted[..whole], CHUNK).is_err());
        assert!(open(&encrypted[..2 * whole], 2 * CHUNK).is_err());
        assert!(open(&encrypted[whole..], 2 * CHUNK).is_err());
        let (first, rest) = encrypted.split_at(whole);
        let (second, third) = rest.split_at(whole);
        assert!(open(&[second, first, third].concat(), 3 * CHUNK).is_err());
        assert!(open(&[first, first, second, third].concat(), 4 * CHUNK).is_err());
    }

    #[test]
    fn other_recipients_senders_and_purposes_are_refused() {
        let keys: Vec<_> = [1, 2, 3].map(|n| FileKey::derive(&[n; 32])).into();
        let (encrypted, encapsulated) = encrypt(&keys[0], &keys[1], b"shares");
        let open = |to: usize, from: usize, info: &[u8]| {
            decrypt(
                Decryption::new(&keys[to], &keys[from].public(), &encapsulated, info).unwrap(),
                &encrypted,
                6,
            )
        };
        assert!(open(1, 0, b"info").is_ok());
        assert!(
            open(2, 0, b"info").is_err() && open(1, 2, b"info").is_err() && open(1, 0, b"other").is_err()
        );
        assert!(Encryption::new(&keys[0], &[4; 65], b"").is_err());
        assert!(Decryption::new(&keys[0], &keys[1].public(), &[0; 65], b"").is_err());
    }

    /// The first message of RFC 9180, appendix A.3.1 (base mode, with AES-128-GCM): the library computes the standard.
    #[test]
    fn a_vector_of_rfc_9180_is_decrypted() {
        let bytes = |hex: &str| -> Vec<u8> {
            let digits = hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
            digits.map(|two| u8::from_str_radix(two, 16).unwrap()).collect()
        };
        let private = bytes("f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2");
        let encapsulated = bytes(
            "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
        );
        let mut context = hpke::setup_receiver::<hpke::aead::AesGcm128, HkdfSha256, DhP256HkdfSha256>(
            &OpModeR::Base,
            &PrivateKey::from_bytes(&private).unwrap(),
            &EncappedKey::from_bytes(&encapsulated).unwrap(),
            &bytes("4f6465206f6e2061204772656369616e2055726e"),
        )
        .unwrap();
        let text = bytes(
            "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434",
        );
        assert_eq!(context.open(&text, b"Count-0").unwrap(), b"Beauty is truth, truth beauty");
    }
}
