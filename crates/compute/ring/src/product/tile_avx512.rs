//! The tile for AVX-512: `vpmullq` on up to 8 × 2 vectors of sums.

use std::arch::asm;
use std::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_loadu_si512, _mm512_mask_storeu_epi64,
    _mm512_maskz_loadu_epi64, _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_sub_epi64,
};
use std::ops::Range;

use super::Write;
use super::tile::{HEIGHT, LANES, LhsBlock};

/// As [`super::tile::multiply`], which has checked the operands; false if the machine has no AVX-512.
pub(super) fn multiply(
    out: &mut [u64],
    stride: usize,
    columns: Range<usize>,
    lhs: &LhsBlock,
    panel: &[u64],
    write: Write,
) -> bool {
    if !(is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq")) {
        return false;
    }
    // SAFETY: the machine has the instructions, and the caller has checked that the tile lies within its operands.
    unsafe {
        match columns.len().div_ceil(LANES) {
            1 => rows::<1>(out, stride, columns, lhs, panel, write),
            _ => rows::<2>(out, stride, columns, lhs, panel, write),
        }
    }
    true
}

/// Chooses the smallest compiled height that has room for the rows.
///
/// # Safety
/// As [`tile`].
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn rows<const V: usize>(
    out: &mut [u64],
    stride: usize,
    columns: Range<usize>,
    lhs: &LhsBlock,
    panel: &[u64],
    write: Write,
) {
    // SAFETY: by the caller.
    unsafe {
        match lhs.rows {
            1 => tile::<1, V>(out, stride, columns, lhs, panel, write),
            2 => tile::<2, V>(out, stride, columns, lhs, panel, write),
            3 | 4 => tile::<4, V>(out, stride, columns, lhs, panel, write),
            _ => tile::<HEIGHT, V>(out, stride, columns, lhs, panel, write),
        }
    }
}

/// # Safety
/// `lhs.rows <= R <= HEIGHT`, `lhs.is_whole()`, `panel.len() == lhs.depth * V * LANES`,
/// `(V - 1) * LANES < columns.len() <= V * LANES`, `columns.end <= stride`, `lhs.rows * stride <= out.len()`.
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn tile<const R: usize, const V: usize>(
    out: &mut [u64],
    stride: usize,
    columns: Range<usize>,
    lhs: &LhsBlock,
    panel: &[u64],
    write: Write,
) {
    let mut sums: [[__m512i; V]; R] = [[_mm512_setzero_si512(); V]; R];
    let (a, b) = (lhs.data.as_ptr(), panel.as_ptr());
    for l in 0..lhs.depth {
        // SAFETY: row l < lhs.depth of the panel has V vectors, and row r < HEIGHT of the block
        // lhs.depth words.
        let b: [__m512i; V] =
            std::array::from_fn(|v| unsafe { _mm512_loadu_si512(b.add((l * V + v) * LANES).cast()) });
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: as above.
            unsafe { add_products(sums, a.add(r * lhs.stride + l), &b) };
        }
    }
    let last = columns.len() - (V - 1) * LANES;
    let last: __mmask8 = 0xff >> (LANES - last);
    for (r, sums) in sums.iter().enumerate().take(lhs.rows) {
        for (v, &sum) in sums.iter().enumerate() {
            let mask = if v == V - 1 { last } else { 0xff };
            // SAFETY: row r < lhs.rows of `out` has columns.end <= stride words, and the mask leaves out those
            // past columns.end.
            unsafe {
                let out = out.as_mut_ptr().add(r * stride + columns.start + v * LANES).cast();
                let new = match write {
                    Write::Add => _mm512_add_epi64(_mm512_maskz_loadu_epi64(mask, out), sum),
                    Write::Subtract => _mm512_sub_epi64(_mm512_maskz_loadu_epi64(mask, out), sum),
                    Write::Replace => sum,
                };
                _mm512_mask_storeu_epi64(out, mask, new);
            }
        }
    }
}

/// `sums += a · b` of one word a and up to two vectors.
///
/// Two products at a time are in assembly for the order of its instructions: a sixth faster on Zen 5 than with each sum after
/// its product, which is what the compiler makes of intrinsics in any order.
///
/// # Safety
/// `a` can be read.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn add_products<const V: usize>(sums: &mut [__m512i; V], a: *const u64, b: &[__m512i; V]) {
    if let (Some([s0, s1]), Some([b0, b1])) = (sums.as_mut_array::<2>(), b.as_array::<2>()) {
        // SAFETY: reads the word at `a`, which the caller allows, and changes its outputs alone.
        unsafe {
            asm!(
                "vpbroadcastq {t1}, [{a}]",
                "vpmullq {t0}, {t1}, {b0}",
                "vpmullq {t1}, {t1}, {b1}",
                "vpaddq {s0}, {s0}, {t0}",
                "vpaddq {s1}, {s1}, {t1}",
                a = in(reg) a,
                b0 = in(zmm_reg) *b0,
                b1 = in(zmm_reg) *b1,
                s0 = inout(zmm_reg) *s0,
                s1 = inout(zmm_reg) *s1,
                t0 = out(zmm_reg) _,
                t1 = out(zmm_reg) _,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
    } else {
        // SAFETY: by the caller.
        let a = _mm512_set1_epi64(unsafe { *a } as i64);
        for (sum, &b) in sums.iter_mut().zip(b) {
            *sum = _mm512_add_epi64(*sum, _mm512_mullo_epi64(a, b));
        }
    }
}
