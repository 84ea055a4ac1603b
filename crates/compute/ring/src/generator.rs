//! The generator of masks: AES-128 in counter mode, with random access.

use std::fmt;

use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper, StreamCipherSeek};
use ctr::{CtrCore, flavors::Ctr64LE};

use crate::seed::Seed;
use crate::{parallel, simd};

/// The number of elements that one key may generate: 2^32 blocks of two.
const LIMIT: u64 = 1 << 33;

/// The number of elements generated at a time for combination with others: they stay in the first-level cache.
const CHUNK: usize = 2048;

/// A stream of uniform ring elements, determined by a seed and the stream's name.
///
/// Element `i` is bytes `8i..8i+8`, little-endian, of the AES-128 keystream whose block `j` is the encryption of `j` as
/// 16 bytes, little-endian. The generator has no position: every call states where it reads, so parties agree in any
/// order of calls. A key gives 2^33 elements.
///
/// # Security
/// Using the same elements of a stream as a mask twice reveals the difference of the two masked values.
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
        let core = CtrCore::<&Aes128, Ctr64LE>::inner_iv_init(&self.cipher, &[0; 16].into());
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

#[cfg(test)]
mod tests {
    use aes::cipher::BlockCipherEncrypt;
    use proptest::prelude::*;

    use super::*;

    fn generator() -> Generator {
        Generator::new(&Seed::from_bytes([9; 32]), b"test")
    }

    /// Element `index`, by encrypting its one block.
    fn element(seed: &Seed, stream: &[u8], index: u64) -> u64 {
        let key = seed.derive("tacita-ring generator, AES-128-CTR", stream);
        let cipher = Aes128::new_from_slice(&key.as_bytes()[..16]).unwrap();
        let mut block = [0u8; 16];
        block[..8].copy_from_slice(&(index / 2).to_le_bytes());
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        let half = if index.is_multiple_of(2) { &block[..8] } else { &block[8..] };
        u64::from_le_bytes(half.try_into().unwrap())
    }

    #[test]
    fn elements_are_those_of_the_block_cipher() {
        let seed = Seed::from_bytes([9; 32]);
        for (first, length) in [(0, 70), (1, 2), (255, 300), (LIMIT - 5, 5), (1 << 20, 1)] {
            let mut out = vec![0; length];
            Generator::new(&seed, b"other").fill(first, &mut out);
            let expected: Vec<u64> =
                (first..first + length as u64).map(|i| element(&seed, b"other", i)).collect();
            assert_eq!(out, expected);
        }
    }

    /// These values must never change, otherwise parties of different versions would disagree.
    #[test]
    fn golden_values() {
        assert_eq!(generator().vec(3), GOLDEN);
    }

    const GOLDEN: [u64; 3] = [0xe4e7_80df_0fad_c74c, 0x9db7_cbd6_965a_b54d, 0x1127_e086_16d5_4c06];

    #[test]
    fn streams_and_seeds_differ() {
        let other_seed = Generator::new(&Seed::from_bytes([8; 32]), b"test").vec(4);
        let other_stream = Generator::new(&Seed::from_bytes([9; 32]), b"test2").vec(4);
        assert!(generator().vec(4) != other_seed && generator().vec(4) != other_stream);
        assert_eq!(format!("{:?}", generator()), "Generator(secret)");
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(first in 0u64..5000, cuts in prop::collection::vec(0usize..700, 1..20)) {
            let total = cuts.iter().sum();
            let mut whole = vec![0; total];
            generator().fill(first, &mut whole);
            let mut parts = vec![0; total];
            let mut rest = &mut parts[..];
            let mut at = first;
            for cut in cuts {
                let (part, after) = rest.split_at_mut(cut);
                generator().fill(at, part);
                (at, rest) = (at + cut as u64, after);
            }
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn combining_equals_filling(first in 0u64..5000, length in 0usize..5000) {
            let mut mask = vec![0; length];
            generator().fill(first, &mut mask);
            let start = crate::test_data(length, 1);
            let check = |f: &dyn Fn(&mut [u64]), g: &dyn Fn(u64, u64) -> u64| {
                let mut acc = start.clone();
                f(&mut acc);
                acc == start.iter().zip(&mask).map(|(&x, &r)| g(x, r)).collect::<Vec<_>>()
            };
            prop_assert!(check(&|acc| generator().add_to(first, acc), &u64::wrapping_add));
            prop_assert!(check(&|acc| generator().sub_from(first, acc), &u64::wrapping_sub));
            prop_assert!(check(&|acc| generator().xor_to(first, acc), &|x, r| x ^ r));
        }
    }

    #[test]
    fn threads_change_nothing() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let mut parallel = vec![1; 400_001];
        pool.install(|| generator().add_to(7, &mut parallel));
        let mut serial = vec![1; 400_001];
        generator().add_to(7, &mut serial);
        assert!(parallel == serial);
    }

    #[test]
    #[should_panic(expected = "beyond its 2^32 blocks")]
    fn a_key_ends() {
        generator().fill(LIMIT - 1, &mut [0; 2]);
    }
}
