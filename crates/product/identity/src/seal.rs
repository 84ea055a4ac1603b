//! Files sealed in pieces of 64 KiB and a shorter last one: AES-256-GCM, each piece under its number and whether it is the
//! last. Every file has a key of its own, since numbers begin at 0.

use std::io::{BufRead, Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use zeroize::{Zeroize, Zeroizing};

/// Plaintext bytes of a piece.
const PIECE: usize = 1 << 16;
/// What sealing adds to a piece.
const TAG: usize = 16;

/// The key that follows from agreements of a private with a public key each, bound to what is public; none if a public key
/// is none.
pub fn agreed_key(
    context: &str,
    agreements: &[(&PrivateKey, &[u8])],
    public: &[&[u8]],
) -> Option<LessSafeKey> {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for (private, point) in agreements {
        let point = UnparsedPublicKey::new(&ECDH_P256, point);
        agree(private, point, (), |secret| {
            hasher.update(secret);
            Ok(())
        })
        .ok()?;
    }
    key(hasher, public)
}

/// The key that follows from a secret, bound to what is public.
pub fn derived_key(context: &str, secret: &[u8; 32], public: &[&[u8]]) -> Option<LessSafeKey> {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    hasher.update(secret);
    key(hasher, public)
}

fn key(mut hasher: blake3::Hasher, public: &[&[u8]]) -> Option<LessSafeKey> {
    public.iter().for_each(|part| {
        hasher.update(part);
    });
    let bytes = Zeroizing::new(*hasher.finalize().as_bytes());
    hasher.zeroize();
    UnboundKey::new(&AES_256_GCM, &*bytes).ok().map(LessSafeKey::new)
}

/// The nonce of a piece: its number, and whether it is the last. Keys are fresh, so numbers may begin at 0.
fn nonce(piece: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&piece.to_le_bytes());
    bytes[8] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// Writes what is put into it in sealed pieces.
pub struct Sealer<W> {
    to: W,
    key: LessSafeKey,
    piece: u64,
    plain: Vec<u8>,
    written: u64,
}

impl<W: Write> Sealer<W> {
    /// Encrypts under this key, which must serve for nothing else.
    pub fn new(to: W, key: LessSafeKey) -> Sealer<W> {
        Sealer { to, key, piece: 0, plain: Vec::with_capacity(PIECE + TAG), written: 0 }
    }

    /// Encrypts some more bytes.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn put(&mut self, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            // a full piece waits until more comes, since it may be the last
            if self.plain.len() == PIECE {
                self.seal(false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.plain.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn seal(&mut self, last: bool) -> std::io::Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(self.piece, last), Aad::empty(), &mut self.plain)
            .map_err(|_| std::io::Error::other("it cannot be sealed"))?;
        self.piece += 1;
        self.written += self.plain.len() as u64;
        self.to.write_all(&self.plain)?;
        self.plain.clear();
        Ok(())
    }

    /// Seals the last piece. Returns where all was written to, and how many bytes that were.
    pub fn finish(mut self) -> std::io::Result<(W, u64)> {
        self.seal(true)?;
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

/// Sealed pieces, read as one stream.
pub struct Pieces<R> {
    /// Where the sealed pieces come from.
    pub source: R,
    key: LessSafeKey,
    piece: u64,
    plain: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: BufRead> Pieces<R> {
    /// Reads pieces that were sealed under this key.
    pub fn new(source: R, key: LessSafeKey) -> Pieces<R> {
        Pieces { source, key, piece: 0, plain: vec![], at: 0, ended: false }
    }

    /// Fills a buffer with what comes next.
    ///
    /// # Errors
    /// If a piece is missing or changed, or the source cannot be read.
    pub fn read_exact(&mut self, mut into: &mut [u8]) -> Result<(), String> {
        while !into.is_empty() {
            if self.at == self.plain.len() {
                self.open_next()?;
            }
            let now = into.len().min(self.plain.len() - self.at);
            into[..now].copy_from_slice(&self.plain[self.at..self.at + now]);
            self.at += now;
            into = &mut into[now..];
        }
        Ok(())
    }

    fn open_next(&mut self) -> Result<(), String> {
        if self.ended {
            return Err("it ends before all is there".to_owned());
        }
        self.plain.resize(PIECE + TAG, 0);
        self.at = 0;
        let read = read_up_to(&mut self.source, &mut self.plain).map_err(|error| error.to_string())?;
        self.plain.truncate(read);
        let last = self.source.fill_buf().map_err(|error| error.to_string())?.is_empty();
        let opened = self.key.open_in_place(nonce(self.piece, last), Aad::empty(), &mut self.plain);
        let length = opened.map_err(|_| "it is damaged, cut off, or sealed under another key")?.len();
        self.plain.truncate(length);
        (self.piece, self.ended) = (self.piece + 1, last);
        match length {
            0 if !last => Err("an empty piece".to_owned()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of any length come back, and every change of a byte, and every cut, is noticed.
    #[test]
    fn what_is_sealed_comes_back_and_nothing_else_does() {
        let key = || LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 9] {
            let plain: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut sealer = Sealer::new(vec![], key());
            plain.chunks(1000).for_each(|part| sealer.put(part).unwrap());
            let (sealed, written) = sealer.finish().unwrap();
            assert_eq!(sealed.len() as u64, written);
            let read = |sealed: &[u8]| -> Result<Vec<u8>, String> {
                let (mut pieces, mut got) = (Pieces::new(sealed, key()), vec![0; length]);
                pieces.read_exact(&mut got)?;
                match pieces.read_exact(&mut [0]) {
                    Err(end) if end.contains("ends before") => Ok(got),
                    other => Err(format!("{other:?}")),
                }
            };
            assert_eq!(read(&sealed), Ok(plain), "{length}");
            for at in [0, sealed.len() / 2, sealed.len() - 1] {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert!(read(&changed).is_err(), "byte {at} of {length}");
                assert!(read(&sealed[..at]).is_err(), "cut at {at} of {length}");
            }
            assert!(read(&[&sealed[..], &[0]].concat()).is_err(), "one byte more than {length}");
        }
    }
}
