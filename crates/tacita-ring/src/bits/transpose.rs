//! Transposition of ring elements into planes of bits.

use super::{BLOCK_ELEMENTS, WIDTH};

/// Words of a block: row `j`, lane `g` is element `64 g + j` before, and word `g` of plane `j` after.
type Square = [[u64; WIDTH]; 64];

/// Writes the low `planes` bits of up to 512 elements to the words of their block: plane after plane, each of
/// ceil(elements / 64) words.
#[inline(always)]
pub(super) fn transpose_block(x: &[u64], planes: usize, words: &mut [u64]) {
    let mut square: Square = [[0; WIDTH]; 64];
    if let Some(x) = x.as_array::<BLOCK_ELEMENTS>() {
        spread(x, &mut square);
    } else {
        for (element, &x) in x.iter().enumerate() {
            square[element % 64][element / 64] = x;
        }
    }
    swap::<32>(&mut square);
    swap::<16>(&mut square);
    swap::<8>(&mut square);
    swap::<4>(&mut square);
    swap::<2>(&mut square);
    swap::<1>(&mut square);
    let width = x.len().div_ceil(64);
    if width == WIDTH {
        words.copy_from_slice(square[..planes].as_flattened());
    } else {
        for (plane, row) in words.chunks_exact_mut(width).zip(&square) {
            plane.copy_from_slice(&row[..width]);
        }
    }
}

#[inline(always)]
fn spread(x: &[u64; BLOCK_ELEMENTS], square: &mut Square) {
    for (j, row) in square.iter_mut().enumerate() {
        for (g, word) in row.iter_mut().enumerate() {
            *word = x[64 * g + j];
        }
    }
}

/// One step of the transposition of a 64 × 64 matrix of bits, eight matrices side by side: in each 2S × 2S block,
/// the upper right S × S bits change places with the lower left ones (Warren, Hacker's Delight, section 7-3).
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
