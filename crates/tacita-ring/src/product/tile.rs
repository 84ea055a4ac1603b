//! A tile of a product: up to eight rows of the left-hand side with a packed panel of the right-hand side.

use std::ops::Range;

use super::Sign;
use crate::simd::{Level, dispatch_at};

/// Rows of a tile.
pub(super) const HEIGHT: usize = 8;
/// Elements of a vector of the panel.
pub(super) const LANES: usize = 8;
/// Columns of a tile, and of a packed panel unless it is the last.
pub(super) const WIDTH: usize = 3 * LANES;
/// Length of the products summed in one visit of a tile.
pub(super) const DEPTH: usize = 256;
/// Distance of the rows of an [`LhsBlock`]: not a multiple of a page, so that rows do not compete for cache sets.
pub(super) const LHS_STRIDE: usize = DEPTH + LANES;

/// A block of the left-hand side, copied so that it is dense: 17 KiB that stay in the first-level cache.
pub(super) struct LhsBlock {
    pub(super) data: [u64; HEIGHT * LHS_STRIDE],
    pub(super) rows: usize,
    pub(super) depth: usize,
}

impl LhsBlock {
    /// Rows `rows` (at most [`HEIGHT`]) and columns `depth` (at most [`DEPTH`]) of `a`, whose rows are `stride` long.
    pub(super) fn new(a: &[u64], stride: usize, rows: Range<usize>, depth: Range<usize>) -> Self {
        let mut data = [0; HEIGHT * LHS_STRIDE];
        for (row, data) in rows.clone().zip(data.chunks_exact_mut(LHS_STRIDE)) {
            data[..depth.len()].copy_from_slice(&a[row * stride..][depth.clone()]);
        }
        Self { data, rows: rows.len(), depth: depth.len() }
    }
}

/// Adds or subtracts `lhs · panel` to columns `columns` of the `lhs.rows` rows of `out`, which are `stride` long.
/// The panel has `lhs.depth` rows of the number of columns rounded up to whole vectors.
pub(super) fn multiply(
    level: Level,
    out: &mut [u64],
    stride: usize,
    columns: Range<usize>,
    lhs: &LhsBlock,
    panel: &[u64],
    sign: Sign,
) {
    let vectors = columns.len().div_ceil(LANES);
    assert!(
        lhs.rows <= HEIGHT
            && lhs.depth <= DEPTH
            && panel.len() == lhs.depth * vectors * LANES
            && columns.end <= stride
            && lhs.rows * stride <= out.len(),
        "a tile lies within its operands"
    );
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx512 && super::tile_avx512::multiply(out, stride, columns.clone(), lhs, panel, sign)
    {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx2 && is_x86_feature_detected!("avx2") {
        return store(out, stride, columns, lhs.rows, sign, |top, v| {
            super::tile_avx2::sums(lhs, top, panel, vectors, v)
        });
    }
    dispatch_at(
        level,
        #[inline(always)]
        || match vectors {
            1 => store(
                out,
                stride,
                columns,
                lhs.rows,
                sign,
                #[inline(always)]
                |top, v| portable_sums::<1>(lhs, top, panel, v),
            ),
            2 => store(
                out,
                stride,
                columns,
                lhs.rows,
                sign,
                #[inline(always)]
                |top, v| portable_sums::<2>(lhs, top, panel, v),
            ),
            _ => store(
                out,
                stride,
                columns,
                lhs.rows,
                sign,
                #[inline(always)]
                |top, v| portable_sums::<3>(lhs, top, panel, v),
            ),
        },
    );
}

/// Rows that the portable tile sums at a time; its sums then fit in 16 registers of 256 bits.
const PORTABLE_ROWS: usize = 4;

/// Adds to the output, or subtracts from it, what `sums` gives for `R` rows from `top` and one vector of the panel.
#[inline(always)]
fn store<const R: usize>(
    out: &mut [u64],
    stride: usize,
    columns: Range<usize>,
    rows: usize,
    sign: Sign,
    sums: impl Fn(usize, usize) -> [[u64; LANES]; R],
) {
    for (vector, from) in columns.clone().step_by(LANES).enumerate() {
        let to = columns.end.min(from + LANES);
        for top in (0..rows).step_by(R) {
            for (sums, row) in sums(top, vector).iter().zip(top..rows) {
                for (out, &sum) in out[row * stride..][from..to].iter_mut().zip(sums) {
                    *out = match sign {
                        Sign::Plus => out.wrapping_add(sum),
                        Sign::Minus => out.wrapping_sub(sum),
                    };
                }
            }
        }
    }
}

#[inline(always)]
fn portable_sums<const V: usize>(
    lhs: &LhsBlock,
    top: usize,
    panel: &[u64],
    vector: usize,
) -> [[u64; LANES]; PORTABLE_ROWS] {
    let rows: [&[u64]; PORTABLE_ROWS] =
        std::array::from_fn(|r| &lhs.data[(top + r) * LHS_STRIDE..][..lhs.depth]);
    let mut sums = [[0u64; LANES]; PORTABLE_ROWS];
    for (l, b) in panel.as_chunks::<LANES>().0.chunks_exact(V).enumerate() {
        let b = &b[vector];
        for r in 0..PORTABLE_ROWS {
            let a = rows[r][l];
            for lane in 0..LANES {
                sums[r][lane] = sums[r][lane].wrapping_add(a.wrapping_mul(b[lane]));
            }
        }
    }
    sums
}
