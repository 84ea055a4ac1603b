//! The tile for AVX2, which multiplies 32 bits by 32 (`vpmuludq`): with halves a = a₁·2³² + a₀ and b alike,
//! a·b = a₀·b₀ + (a₁·b₀ + a₀·b₁)·2³², and the terms in brackets are shifted once, after they are summed.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_loadu_si256, _mm256_mul_epu32, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_slli_epi64, _mm256_srli_epi64, _mm256_storeu_si256,
};

use super::tile::{HEIGHT, LANES, LhsBlock};

/// Rows summed at a time; their sums, low and shifted, take eight of the sixteen registers.
pub(super) const ROWS: usize = 2;

/// The sums of rows `top` and `top + 1` with vector `vector` of the panel's `vectors`.
///
/// # Panics
/// If the machine has no AVX2 or the operands do not fit.
pub(super) fn sums(
    lhs: &LhsBlock,
    top: usize,
    panel: &[u64],
    vectors: usize,
    vector: usize,
) -> [[u64; LANES]; ROWS] {
    assert!(top + ROWS <= HEIGHT && vector < vectors && panel.len() == lhs.depth * vectors * LANES);
    assert!(lhs.is_whole());
    assert!(is_x86_feature_detected!("avx2"));
    // SAFETY: the machine has the instructions, and the operands are as large as `tile` says.
    unsafe { tile(lhs, top, panel, vectors, vector) }
}

/// # Safety
/// `top + ROWS <= HEIGHT`, `lhs.is_whole()`, `vector < vectors` and
/// `panel.len() == lhs.depth * vectors * LANES`.
#[target_feature(enable = "avx2")]
unsafe fn tile(
    lhs: &LhsBlock,
    top: usize,
    panel: &[u64],
    vectors: usize,
    vector: usize,
) -> [[u64; LANES]; ROWS] {
    let mut low: [[__m256i; 2]; ROWS] = [[_mm256_setzero_si256(); 2]; ROWS];
    let mut high = low;
    for l in 0..lhs.depth {
        // SAFETY: the panel has lhs.depth rows of `vectors` vectors, each of two halves.
        let b: [__m256i; 2] = unsafe {
            let b = panel.as_ptr().add((l * vectors + vector) * LANES);
            [_mm256_loadu_si256(b.cast()), _mm256_loadu_si256(b.add(LANES / 2).cast())]
        };
        let b_high = [_mm256_srli_epi64::<32>(b[0]), _mm256_srli_epi64::<32>(b[1])];
        for r in 0..ROWS {
            // SAFETY: row top + r < HEIGHT of the block has lhs.depth > l words.
            let a = _mm256_set1_epi64x(unsafe { *lhs.data.as_ptr().add((top + r) * lhs.stride + l) } as i64);
            let a_high = _mm256_srli_epi64::<32>(a);
            for half in 0..2 {
                low[r][half] = _mm256_add_epi64(low[r][half], _mm256_mul_epu32(a, b[half]));
                let cross =
                    _mm256_add_epi64(_mm256_mul_epu32(a_high, b[half]), _mm256_mul_epu32(a, b_high[half]));
                high[r][half] = _mm256_add_epi64(high[r][half], cross);
            }
        }
    }
    let mut sums = [[0; LANES]; ROWS];
    for r in 0..ROWS {
        for half in 0..2 {
            let sum = _mm256_add_epi64(low[r][half], _mm256_slli_epi64::<32>(high[r][half]));
            // SAFETY: a row of the sums has two halves.
            unsafe { _mm256_storeu_si256(sums[r].as_mut_ptr().add(half * LANES / 2).cast(), sum) };
        }
    }
    sums
}
