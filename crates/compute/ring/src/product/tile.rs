//! A tile of a product: up to eight rows of the left-hand side with a packed panel of the right-hand side.

use std::ops::Range;

use super::Write;
use crate::simd::{Level, dispatch_at};

/// Rows of a tile.
pub(super) const HEIGHT: usize = 8;
/// Elements of a vector of the panel.
pub(super) const LANES: usize = 8;
/// Columns of a tile, and of a packed panel unless it is the last.
pub(super) const WIDTH: usize = 2 * LANES;
/// Length of the products summed in one visit of a tile.
pub(super) const DEPTH: usize = 256;
/// Distance of the rows of an [`LhsCopy`]: not a multiple of a page, so that rows do not compete for cache sets.
const LHS_STRIDE: usize = DEPTH + LANES;

/// A block of the left-hand side: `rows` (at most [`HEIGHT`]) by `depth` (at most [`DEPTH`]), with [`HEIGHT`] rows
/// there to be read, `stride` apart.
pub(super) struct LhsBlock<'a> {
    pub(super) data: &'a [u64],
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) depth: usize,
}

impl<'a> LhsBlock<'a> {
    /// Words of a block's copy: 17 KiB that stay in the first-level cache.
    pub(super) const COPY: usize = HEIGHT * LHS_STRIDE;

    /// Rows `rows` and columns `depth` of `a`, whose rows are `stride` long, where they lie.
    pub(super) fn of(a: &'a [u64], stride: usize, rows: Range<usize>, depth: Range<usize>) -> Self {
        Self { data: &a[rows.start * stride + depth.start..], stride, rows: rows.len(), depth: depth.len() }
    }

    /// The same copied, or its sum with the same of `plus` if there is one.
    #[inline(always)]
    pub(super) fn copied(
        copy: &'a mut [u64],
        a: &[u64],
        plus: Option<&[u64]>,
        stride: usize,
        rows: Range<usize>,
        depth: Range<usize>,
    ) -> Self {
        let (count, length) = (rows.len(), depth.len());
        for (row, copy) in rows.zip(copy.chunks_exact_mut(LHS_STRIDE)) {
            let (copy, at) = (&mut copy[..length], row * stride + depth.start);
            let a = &a[at..at + length];
            if let Some(plus) = plus {
                for ((copy, &a), &b) in copy.iter_mut().zip(a).zip(&plus[at..at + length]) {
                    *copy = a.wrapping_add(b);
                }
            } else {
                copy.copy_from_slice(a);
            }
        }
        Self { data: copy, stride: LHS_STRIDE, rows: count, depth: length }
    }

    /// What was copied before.
    pub(super) fn of_copy(copy: &'a [u64], rows: Range<usize>, depth: Range<usize>) -> Self {
        Self { data: &copy[..Self::COPY], stride: LHS_STRIDE, rows: rows.len(), depth: depth.len() }
    }

    /// Whether all that a tile may read is there.
    pub(super) fn is_whole(&self) -> bool {
        self.rows <= HEIGHT
            && self.depth <= DEPTH
            && (HEIGHT - 1) * self.stride + self.depth <= self.data.len()
    }
}

/// Writes `lhs · panel` to columns `columns` of the `lhs.rows` rows of `out`, which are `stride` long.
/// The panel has `lhs.depth` rows of the number of columns rounded up to whole vectors.
pub(super) fn multiply(
    level: Level,
    out: &mut [u64],
    stride: usize,
    columns: Range<usize>,
    lhs: &LhsBlock,
    panel: &[u64],
    write: Write,
) {
    let vectors = columns.len().div_ceil(LANES);
    assert!(
        lhs.is_whole()
            && panel.len() == lhs.depth * vectors * LANES
            && columns.end <= stride
            && lhs.rows * stride <= out.len(),
        "a tile lies within its operands"
    );
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx512 && super::tile_avx512::multiply(out, stride, columns.clone(), lhs, panel, write)
    {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx2 && is_x86_feature_detected!("avx2") {
        return store(out, stride, columns, lhs.rows, write, |top, v| {
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
                write,
                #[inline(always)]
                |top, v| portable_sums::<1>(lhs, top, panel, v),
            ),
            _ => store(
                out,
                stride,
                columns,
                lhs.rows,
                write,
                #[inline(always)]
                |top, v| portable_sums::<2>(lhs, top, panel, v),
            ),
        },
    );
}

/// Rows that the portable tile sums at a time; its sums then fit in 16 registers of 256 bits.
const PORTABLE_ROWS: usize = 4;

/// Writes to the output what `sums` gives for `R` rows from `top` and one vector of the panel.
#[inline(always)]
fn store<const R: usize>(
    out: &mut [u64],
    stride: usize,
    columns: Range<usize>,
    rows: usize,
    write: Write,
    sums: impl Fn(usize, usize) -> [[u64; LANES]; R],
) {
    for (vector, from) in columns.clone().step_by(LANES).enumerate() {
        let to = columns.end.min(from + LANES);
        for top in (0..rows).step_by(R) {
            for (sums, row) in sums(top, vector).iter().zip(top..rows) {
                for (out, &sum) in out[row * stride..][from..to].iter_mut().zip(sums) {
                    *out = write.apply(*out, sum);
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
        std::array::from_fn(|r| &lhs.data[(top + r) * lhs.stride..][..lhs.depth]);
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
