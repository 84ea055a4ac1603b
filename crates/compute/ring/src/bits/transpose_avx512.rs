//! The transposition of a full block for AVX-512, in two passes through registers.

use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_loadu_si512, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_shuffle_i64x2, _mm512_slli_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi64, _mm512_xor_si512,
};

use super::{BLOCK_ELEMENTS, WIDTH};

/// Writes the low bits of the elements to the given planes, at most 64. Returns false if the machine has no AVX-512.
pub(super) fn transpose_block(x: &[u64; BLOCK_ELEMENTS], planes: &mut [[u64; WIDTH]]) -> bool {
    if !is_x86_feature_detected!("avx512f") {
        return false;
    }
    // SAFETY: the machine has the instructions.
    unsafe { transpose(x, planes) };
    true
}

#[target_feature(enable = "avx512f")]
fn transpose(x: &[u64; BLOCK_ELEMENTS], planes: &mut [[u64; WIDTH]]) {
    let mut rows = [_mm512_setzero_si512(); 64];
    for (k, rows) in rows.chunks_exact_mut(8).enumerate() {
        // Elements 64 g + 8 k + i: eight consecutive i of each g become row 8 k + i, with g along the lanes.
        let vectors = std::array::from_fn(|g| {
            let part = &x[64 * g + 8 * k..][..8];
            // SAFETY: the slice has eight words.
            unsafe { _mm512_loadu_si512(part.as_ptr().cast()) }
        });
        let mut square = lanes_to_rows(vectors);
        for i in [0, 1, 2, 3] {
            swap::<4>(&mut square, i, i + 4);
        }
        for i in [0, 1, 4, 5] {
            swap::<2>(&mut square, i, i + 2);
        }
        for i in [0, 2, 4, 6] {
            swap::<1>(&mut square, i, i + 1);
        }
        rows.copy_from_slice(&square);
    }
    for i in 0..8 {
        let mut square: [__m512i; 8] = std::array::from_fn(|k| rows[8 * k + i]);
        for k in [0, 1, 2, 3] {
            swap::<32>(&mut square, k, k + 4);
        }
        for k in [0, 1, 4, 5] {
            swap::<16>(&mut square, k, k + 2);
        }
        for k in [0, 2, 4, 6] {
            swap::<8>(&mut square, k, k + 1);
        }
        for (k, row) in square.into_iter().enumerate() {
            if let Some(plane) = planes.get_mut(8 * k + i) {
                // SAFETY: a plane has eight words.
                unsafe { _mm512_storeu_si512(plane.as_mut_ptr().cast(), row) };
            }
        }
    }
}

/// The step [`super::transpose::swap`] of two rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn swap<const S: u32>(rows: &mut [__m512i; 8], low: usize, high: usize) {
    let mask = _mm512_set1_epi64((u64::MAX / ((1 << S) + 1)) as i64);
    let t = _mm512_and_si512(_mm512_xor_si512(_mm512_srli_epi64::<S>(rows[low]), rows[high]), mask);
    rows[low] = _mm512_xor_si512(rows[low], _mm512_slli_epi64::<S>(t));
    rows[high] = _mm512_xor_si512(rows[high], t);
}

/// Transposes 8 × 8 words.
#[inline]
#[target_feature(enable = "avx512f")]
fn lanes_to_rows(v: [__m512i; 8]) -> [__m512i; 8] {
    // Pairs of words, then the 4 × 4 transposition of pairs, for even and odd columns.
    let [e0, e1, e2, e3] = pairs_to_rows([
        _mm512_unpacklo_epi64(v[0], v[1]),
        _mm512_unpacklo_epi64(v[2], v[3]),
        _mm512_unpacklo_epi64(v[4], v[5]),
        _mm512_unpacklo_epi64(v[6], v[7]),
    ]);
    let [o0, o1, o2, o3] = pairs_to_rows([
        _mm512_unpackhi_epi64(v[0], v[1]),
        _mm512_unpackhi_epi64(v[2], v[3]),
        _mm512_unpackhi_epi64(v[4], v[5]),
        _mm512_unpackhi_epi64(v[6], v[7]),
    ]);
    [e0, o0, e1, o1, e2, o2, e3, o3]
}

/// Transposes 4 × 4 pairs of words.
#[inline]
#[target_feature(enable = "avx512f")]
fn pairs_to_rows(v: [__m512i; 4]) -> [__m512i; 4] {
    let (low_a, low_b) = (_mm512_shuffle_i64x2::<0x44>(v[0], v[1]), _mm512_shuffle_i64x2::<0x44>(v[2], v[3]));
    let (high_a, high_b) =
        (_mm512_shuffle_i64x2::<0xee>(v[0], v[1]), _mm512_shuffle_i64x2::<0xee>(v[2], v[3]));
    [
        _mm512_shuffle_i64x2::<0x88>(low_a, low_b),
        _mm512_shuffle_i64x2::<0xdd>(low_a, low_b),
        _mm512_shuffle_i64x2::<0x88>(high_a, high_b),
        _mm512_shuffle_i64x2::<0xdd>(high_a, high_b),
    ]
}
