//! Transposition of ring elements into planes of bits.

use super::{BLOCK_ELEMENTS, WIDTH};
use crate::simd::{Level, dispatch_at};

/// The words of a block: row `j`, lane `g` is element `64 g + j` before, and word `g` of plane `j` after the
/// transposition.
type Square = [[u64; WIDTH]; 64];

/// Writes the low `planes` bits of each element to the words of their blocks, plane after plane in each block.
pub(super) fn transpose(level: Level, x: &[u64], planes: usize, words: &mut [u64]) {
    for (x, words) in x.chunks(BLOCK_ELEMENTS).zip(words.chunks_mut(WIDTH * planes)) {
        #[cfg(target_arch = "x86_64")]
        if level == Level::Avx512
            && let Some(x) = x.as_array()
            && super::transpose_avx512::transpose_block(x, words.as_chunks_mut().0)
        {
            continue;
        }
        dispatch_at(
            level,
            #[inline(always)]
            || transpose_block(x, words),
        );
    }
}

#[inline(always)]
fn transpose_block(x: &[u64], words: &mut [u64]) {
    let mut square: Square = [[0; WIDTH]; 64];
    for (g, x) in x.chunks(64).enumerate() {
        for (row, &x) in square.iter_mut().zip(x) {
            row[g] = x;
        }
    }
    swap::<32>(&mut square);
    swap::<16>(&mut square);
    swap::<8>(&mut square);
    swap::<4>(&mut square);
    swap::<2>(&mut square);
    swap::<1>(&mut square);
    let width = x.len().div_ceil(64);
    for (plane, row) in words.chunks_exact_mut(width).zip(&square) {
        plane.copy_from_slice(&row[..width]);
    }
}

/// One step of the transposition of a 64 × 64 bit matrix, for eight matrices side by side: in each 2S × 2S block, the
/// upper right S × S bits change places with the lower left ones (Warren, Hacker's Delight, section 7-3).
#[inline(always)]
fn swap<const S: usize>(square: &mut Square) {
    // Ones where bit S of the position is zero.
    let mask = u64::MAX / ((1u64 << S) + 1);
    for block in square.chunks_exact_mut(2 * S) {
        let (low, high) = block.split_at_mut(S);
        for (low, high) in low.iter_mut().zip(high) {
            for lane in 0..WIDTH {
                let t = ((low[lane] >> S) ^ high[lane]) & mask;
                low[lane] ^= t << S;
                high[lane] ^= t;
            }
        }
    }
}
