//! The generator of masks: AES-128 in counter mode, seekable.

use std::fmt;

use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper, StreamCipherSeek};
use ctr::{CtrCore, flavors::Ctr32LE};

use crate::seed::Seed;
use crate::{parallel, simd};

/// Elements that one key may generate: 2^32 blocks of two.
const LIMIT: u64 = 1 << 33;

/// Elements generated at a time where they are combined with others: they stay in the first-level cache.
const CHUNK: usize = 2048;

/// A stream of uniform ring elements, a function of a seed and a stream's name.
///
/// Element `i` is bytes `8i..8i+8`, little-endian, of the AES-128 keystream whose block `j` is the encryption of
/// `j` as 4 bytes little-endian after 12 zero bytes. The generator keeps no position: every call says where it
/// reads, so parties agree whatever the order of their calls. A key gives 2^33 elements.
///
/// # Security
/// Who uses the same elements of a stream as a mask twice reveals the difference of what they masked.
#[derive(Clone)]
pub struct Generator {
    cipher: Aes128,
}

impl Generator {
    /// The generator of `stream` under `seed`.
    pub fn new(seed: &Seed, stream: &[u8]) -> Self {
        let key = seed.derive("tacita-ring generator, AES-128-CTR", stream);
        let key: &[u8; 16] = key.as_bytes().first_chunk().expect("a seed has 32 bytes");
        Self { cipher: Aes128::new(key.into()) }
    }

    /// Writes elements `first..first + out.len()` to `out`.
    ///
    /// # Panics
    /// If the range ends beyond 2^33 elements (2^32 blocks).
    pub fn fill(&self, first: u64, out: &mut [u64]) {
        check(first, out.len());
        parallel::for_each_chunk(out, |offset, out| self.write(first + offset as u64, out));
    }

    /// The first `len` elements of the stream.
    ///
    /// # Panics
    /// As [`fill`](Self::fill).
    pub fn vec(&self, len: usize) -> Vec<u64> {
        let mut out = vec![0; len];
        self.fill(0, &mut out);
        out
    }

    /// Adds elements `first..first + acc.len()` to `acc`.
    ///
    /// # Panics
    /// As [`fill`](Self::fill).
    pub fn add_to(&self, first: u64, acc: &mut [u64]) {
        self.combine(first, acc, u64::wrapping_add);
    }

    /// Subtracts elements `first..first + acc.len()` from `acc`.
    ///
    /// # Panics
    /// As [`fill`](Self::fill).
    pub fn sub_from(&self, first: u64, acc: &mut [u64]) {
        self.combine(first, acc, u64::wrapping_sub);
    }

    /// Combines elements `first..first + acc.len()` into `acc` by exclusive or.
    ///
    /// # Panics
    /// As [`fill`](Self::fill).
    pub fn xor_to(&self, first: u64, acc: &mut [u64]) {
        self.combine(first, acc, |x, y| x ^ y);
    }

    fn combine(&self, first: u64, acc: &mut [u64], f: impl Fn(u64, u64) -> u64 + Copy + Sync) {
        check(first, acc.len());
        parallel::for_each_chunk(acc, |offset, acc| {
            let mut buffer = [0; CHUNK];
            for (i, acc) in acc.chunks_mut(CHUNK).enumerate() {
                let buffer = &mut buffer[..acc.len()];
                self.write(first + (offset + i * CHUNK) as u64, buffer);
                simd::dispatch(
                    #[inline(always)]
                    || {
                        for (x, &y) in acc.iter_mut().zip(buffer.iter()) {
                            *x = f(*x, y);
                        }
                    },
                );
            }
        });
    }

    fn write(&self, first: u64, out: &mut [u64]) {
        let core = CtrCore::<&Aes128, Ctr32LE>::inner_iv_init(&self.cipher, &[0; 16].into());
        let mut stream = StreamCipherCoreWrapper::from_core(core);
        stream.seek(first * 8);
        stream.write_keystream(bytemuck::cast_slice_mut(out));
        if cfg!(target_endian = "big") {
            out.iter_mut().for_each(|x| *x = x.swap_bytes());
        }
    }
}

fn check(first: u64, length: usize) {
    let end = first.checked_add(length as u64);
    assert!(
        end.is_some_and(|end| end <= LIMIT),
        "elements {first} to {first} + {length} of a generator lie beyond its 2^32 blocks"
    );
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Generator(secret)")
    }
}
