//! The product of two matrices, `out ± a·b`, on which matrix products and convolutions are built.
//!
//! The right-hand side is packed, block by block, into panels of [`WIDTH`] columns that stay in the second-level cache.
//! Eight rows of the left-hand side at a time are copied so that they fit the first-level cache, and a [`tile`]
//! multiplies them with each panel. Products too thin to repay packing take the paths of [`thin`].

mod thin;
mod tile;
#[cfg(target_arch = "x86_64")]
mod tile_avx2;
#[cfg(target_arch = "x86_64")]
mod tile_avx512;

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use crate::parallel;
use crate::simd::{Level, dispatch_at};
use tile::{DEPTH, HEIGHT, LANES, LhsBlock, WIDTH};

/// Whether a product is added to the output or subtracted from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// `out += a∘b`
    Plus,
    /// `out -= a∘b`
    Minus,
}

/// The use of a product's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    Add,
    Subtract,
    /// They replace the content of the output.
    Replace,
}

impl From<Sign> for Write {
    fn from(sign: Sign) -> Self {
        match sign {
            Sign::Plus => Self::Add,
            Sign::Minus => Self::Subtract,
        }
    }
}

impl Write {
    #[inline(always)]
    pub(crate) fn apply(self, old: u64, sum: u64) -> u64 {
        match self {
            Self::Add => old.wrapping_add(sum),
            Self::Subtract => old.wrapping_sub(sum),
            Self::Replace => sum,
        }
    }
}

/// The number of right-hand columns packed at a time; with [`DEPTH`] rows they take half of a second-level cache of 1
/// MiB.
const COLUMNS: usize = 16 * WIDTH;

/// The least number of rows for which packing the right-hand side pays.
const FEW_ROWS: usize = 6;

/// Up to this number of panels the left-hand side is read in place.
const FEW_PANELS: usize = 6;

/// The least number of columns for which tiles beat scalar products.
const FEW_COLUMNS: usize = 6;

/// A right-hand side (k × n) that need not exist as a matrix.
pub(crate) trait Rhs: Sync {
    /// Writes rows `rows` and columns `columns` to `packed`, row after row of `width` words; words past the columns may
    /// have any value. There are at most [`WIDTH`] columns.
    fn pack(&self, rows: Range<usize>, columns: Range<usize>, width: usize, packed: &mut [u64]);
}

/// A row-major matrix of `columns` columns.
struct Matrix<'a> {
    data: &'a [u64],
    columns: usize,
}

impl Rhs for Matrix<'_> {
    #[inline(always)]
    fn pack(&self, rows: Range<usize>, columns: Range<usize>, width: usize, packed: &mut [u64]) {
        for (row, packed) in rows.zip(packed.chunks_exact_mut(width)) {
            let row = &self.data[row * self.columns..][columns.clone()];
            if let (Some(packed), Some(row)) = (packed.as_mut_array::<WIDTH>(), row.as_array::<WIDTH>()) {
                *packed = *row;
            } else {
                packed[..row.len()].copy_from_slice(row);
            }
        }
    }
}

/// `out ± a·b`: row-major `a` (m × k), `b` (k × n), `out` (m × n).
pub(crate) fn product(level: Level, out: &mut [u64], a: &[u64], b: &[u64], dims: [usize; 3], sign: Sign) {
    let [m, n, k] = dims;
    assert_eq!(
        [out.len(), a.len(), b.len()],
        [m * n, m * k, k * n],
        "operands are as large as {dims:?} says"
    );
    if out.is_empty() || k == 0 {
        return;
    }
    if n < FEW_COLUMNS {
        thin::few_columns(level, out, a, b, dims, sign);
    } else if m < FEW_ROWS {
        thin::few_rows(level, out, a, b, dims, sign);
    } else {
        product_packed(level, out, &[a], &Matrix { data: b, columns: n }, dims, sign.into());
    }
}

/// `out ± a·b`, or `a·b`: row-major `a` (m × k) and `out` (m × n), `b` (k × n) packed as needed.
///
/// `a` is given as the sum of one or two terms.
pub(crate) fn product_packed<B: Rhs>(
    level: Level,
    out: &mut [u64],
    a: &[&[u64]],
    b: &B,
    [m, n, k]: [usize; 3],
    write: Write,
) {
    let (a, plus) = (a[0], a.get(1).copied());
    assert_eq!([out.len(), a.len()], [m * n, m * k], "operands are {m} × {n} and {m} × {k}");
    assert!(plus.is_none_or(|plus| plus.len() == a.len()), "terms are of one size");
    if out.is_empty() || k == 0 {
        if write == Write::Replace {
            out.fill(0);
        }
        return;
    }
    // With several threads, each packs its share of the panels and then takes its share of the rows.
    let threads = if parallel::worthwhile(m * n / 16 * k) { rayon::current_num_threads() } else { 1 };
    let block = COLUMNS * threads.min(8);
    let mut copy = None;
    let mut packed = Scratch::take(k.min(DEPTH) * n.min(block).next_multiple_of(LANES));
    // A left-hand side that is traversed several times is copied once.
    let copies = if n > block { m.div_ceil(HEIGHT) } else { 0 };
    let mut copied = Scratch::take(copies * LhsBlock::COPY);
    for top in (0..k).step_by(DEPTH) {
        let depth = top..k.min(top + DEPTH);
        let write = if write == Write::Replace && top > 0 { Write::Add } else { write };
        let copied = &mut copied.0[..copies * LhsBlock::COPY];
        let copy_rows = |i: usize, copy: &mut [u64]| {
            let rows = i * HEIGHT..m.min((i + 1) * HEIGHT);
            dispatch_at(
                level,
                #[inline(always)]
                || LhsBlock::copied(copy, a, plus, k, rows, depth.clone()),
            );
        };
        if threads > 1 {
            copied.par_chunks_mut(LhsBlock::COPY).enumerate().for_each(|(i, copy)| copy_rows(i, copy));
        } else {
            copied.chunks_mut(LhsBlock::COPY).enumerate().for_each(|(i, copy)| copy_rows(i, copy));
        }
        let copied = &*copied;
        for first in (0..n).step_by(block) {
            let columns = first..n.min(first + block);
            let packed = &mut packed.0[..depth.len() * columns.len().next_multiple_of(LANES)];
            let pack = |i: usize, panel: &mut [u64]| {
                let from = columns.start + i * WIDTH;
                let (depth, columns) = (depth.clone(), from..columns.end.min(from + WIDTH));
                let width = panel.len() / depth.len();
                dispatch_at(
                    level,
                    #[inline(always)]
                    || b.pack(depth, columns, width, panel),
                );
            };
            let panel = depth.len() * WIDTH;
            if threads > 1 {
                packed.par_chunks_mut(panel).enumerate().for_each(|(i, panel)| pack(i, panel));
            } else {
                packed.chunks_mut(panel).enumerate().for_each(|(i, panel)| pack(i, panel));
            }
            let packed = &*packed;
            let multiply = |copy: &mut Option<[u64; LhsBlock::COPY]>, i: usize, out: &mut [u64]| {
                let rows = i * HEIGHT..m.min((i + 1) * HEIGHT);
                // A few panels do not repay the copy. A last block of fewer rows must be copied to be readable as a
                // whole.
                let direct = plus.is_none() && columns.len() <= FEW_PANELS * WIDTH && rows.len() == HEIGHT;
                let lhs = if copies > 0 {
                    LhsBlock::of_copy(&copied[i * LhsBlock::COPY..], rows, depth.clone())
                } else if direct {
                    LhsBlock::of(a, k, rows, depth.clone())
                } else {
                    let copy = copy.get_or_insert_with(|| [0; LhsBlock::COPY]);
                    dispatch_at(
                        level,
                        #[inline(always)]
                        || LhsBlock::copied(copy, a, plus, k, rows, depth.clone()),
                    )
                };
                for (panel, from) in packed.chunks(panel).zip(columns.clone().step_by(WIDTH)) {
                    let columns = from..columns.end.min(from + WIDTH);
                    tile::multiply(level, out, n, columns, &lhs, panel, write);
                }
            };
            if threads > 1 {
                let blocks = out.par_chunks_mut(HEIGHT * n).enumerate();
                blocks.for_each_init(|| None, |copy, (i, out)| multiply(copy, i, out));
            } else {
                out.chunks_mut(HEIGHT * n).enumerate().for_each(|(i, out)| multiply(&mut copy, i, out));
            }
        }
    }
    copied.give_back();
    packed.give_back();
}

/// A buffer that a thread keeps for its next product or convolution: a fresh one costs a page fault for every 4 KiB.
pub(crate) struct Scratch(Vec<u64>);

thread_local! {
    /// One for each product in which a thread was at the same time.
    static SCRATCH: RefCell<Vec<Vec<u64>>> = const { RefCell::new(Vec::new()) };
}

impl Scratch {
    /// A buffer of at least `length` words with arbitrary values. It is taken, not borrowed, because a thread that
    /// waits for others may begin another product.
    pub(crate) fn take(length: usize) -> Self {
        let mut buffer = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        Self(buffer)
    }

    pub(crate) fn words(&mut self) -> &mut [u64] {
        &mut self.0
    }

    pub(crate) fn give_back(self) {
        SCRATCH.with_borrow_mut(|buffers| buffers.push(self.0));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(out: &mut [u64], a: &[u64], b: &[u64], [m, n, k]: [usize; 3], sign: Sign) {
        for i in 0..m {
            for j in 0..n {
                let sum =
                    (0..k).fold(0u64, |sum, l| sum.wrapping_add(a[i * k + l].wrapping_mul(b[l * n + j])));
                let out = &mut out[i * n + j];
                *out = if sign == Sign::Plus { out.wrapping_add(sum) } else { out.wrapping_sub(sum) };
            }
        }
    }

    /// Every path at every level, regardless of the shape it is meant for.
    fn check(dims: [usize; 3], sign: Sign, seed: u64) {
        let [m, n, k] = dims;
        let [a, b, start] = [m * k, k * n, m * n].map(|len| crate::test_data(len, seed ^ len as u64));
        let mut expected = start.clone();
        naive(&mut expected, &a, &b, dims, sign);
        for level in Level::supported() {
            let run = |f: &dyn Fn(&mut [u64])| {
                let mut out = start.clone();
                f(&mut out);
                assert!(out == expected, "{level:?} {dims:?} {sign:?}");
            };
            run(&|out| product(level, out, &a, &b, dims, sign));
            let matrix = Matrix { data: &b, columns: n };
            run(&|out| product_packed(level, out, &[&a], &matrix, dims, sign.into()));
            run(&|out| {
                let half = crate::test_data(a.len(), seed);
                let rest: Vec<u64> = a.iter().zip(&half).map(|(a, half)| a.wrapping_sub(*half)).collect();
                let mut replaced = crate::test_data(out.len(), seed);
                product_packed(level, &mut replaced, &[&half, &rest], &matrix, dims, Write::Replace);
                out.iter_mut().zip(replaced).for_each(|(out, sum)| *out = Write::from(sign).apply(*out, sum));
            });
            if !start.is_empty() && k > 0 {
                run(&|out| thin::few_rows(level, out, &a, &b, dims, sign));
                run(&|out| thin::few_columns(level, out, &a, &b, dims, sign));
            }
        }
    }

    proptest! {
        #[test]
        fn all_paths_are_exact(m in 0usize..40, n in 0usize..60, k in 0usize..70, minus: bool, seed: u64) {
            check([m, n, k], if minus { Sign::Minus } else { Sign::Plus }, seed);
        }
    }

    #[test]
    fn blocks_meet_at_their_edges() {
        for dims in [
            [9, COLUMNS + 1, DEPTH + 1],
            [8, 2 * COLUMNS - 7, 3],
            [3, 5, 2 * DEPTH],
            [1, 1, 1000],
            [17, 700, 1],
            [1, 1500, 33],
        ] {
            check(dims, Sign::Plus, 1);
            check(dims, Sign::Minus, 2);
        }
    }

    #[test]
    fn threads_change_nothing() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        pool.install(|| {
            for dims in [[150, 210, 90], [1, 2000, 300], [7, 2000, 300], [4000, 1, 300], [20, 3000, 300]] {
                check(dims, Sign::Minus, 3);
            }
        });
    }
}
