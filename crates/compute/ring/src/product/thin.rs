//! Products with few rows or few columns: each word of the large operand is read once, in place.

use rayon::prelude::*;

use super::Sign;
use crate::parallel;
use crate::simd::{Level, dispatch_at};

/// The number of right-hand rows added at a time.
const STEP: usize = 8;

/// The number of columns visited at a time: [`STEP`] rows of them stay in the first-level cache.
const SPAN: usize = 512;

/// `out ± a·b` for an `a` of few rows.
pub(super) fn few_rows(level: Level, out: &mut [u64], a: &[u64], b: &[u64], dims: [usize; 3], sign: Sign) {
    let [_, n, k] = dims;
    if !parallel::worthwhile(n * k) {
        return dispatch_at(
            level,
            #[inline(always)]
            || few_rows_serial(out, a, b, dims, 0, sign),
        );
    }
    // Each thread takes a part of the summed axis.
    let depth = k.div_ceil(rayon::current_num_threads()).next_multiple_of(STEP);
    let length = out.len();
    let sum = b
        .par_chunks(depth * n)
        .enumerate()
        .map(|(i, b)| {
            let mut out = vec![0; length];
            dispatch_at(
                level,
                #[inline(always)]
                || few_rows_serial(&mut out, a, b, dims, i * depth, sign),
            );
            out
        })
        .reduce_with(|mut x, y| {
            crate::elementwise::zip_assign(&mut x, &y, u64::wrapping_add);
            x
        });
    if let Some(sum) = sum {
        crate::elementwise::zip_assign(out, &sum, u64::wrapping_add);
    }
}

/// The contribution of rows `first..` of the right-hand side, given as `b`, to the product.
#[inline(always)]
fn few_rows_serial(out: &mut [u64], a: &[u64], b: &[u64], [_, n, k]: [usize; 3], first: usize, sign: Sign) {
    for from in (0..n).step_by(SPAN) {
        let columns = from..n.min(from + SPAN);
        for (step, b) in b.chunks(STEP * n).enumerate() {
            let top = first + step * STEP;
            for (out, a) in out.chunks_exact_mut(n).zip(a.chunks_exact(k)) {
                let out = &mut out[columns.clone()];
                let signed = |x: u64| if sign == Sign::Plus { x } else { x.wrapping_neg() };
                if b.len() == STEP * n {
                    let a: [u64; STEP] = std::array::from_fn(|i| signed(a[top + i]));
                    let b: [&[u64]; STEP] = std::array::from_fn(|i| &b[i * n..][columns.clone()]);
                    for j in 0..out.len() {
                        let mut sum = out[j];
                        for i in 0..STEP {
                            sum = sum.wrapping_add(a[i].wrapping_mul(b[i][j]));
                        }
                        out[j] = sum;
                    }
                } else {
                    for (b, &a) in b.chunks_exact(n).zip(&a[top..]) {
                        let a = signed(a);
                        for (out, &b) in out.iter_mut().zip(&b[columns.clone()]) {
                            *out = out.wrapping_add(a.wrapping_mul(b));
                        }
                    }
                }
            }
        }
    }
}

/// `out ± a·b` for a `b` of few columns: scalar products of rows of `a` with columns of `b`.
pub(super) fn few_columns(level: Level, out: &mut [u64], a: &[u64], b: &[u64], dims: [usize; 3], sign: Sign) {
    let [m, n, k] = dims;
    let transposed: Vec<u64>;
    let columns = if n == 1 {
        b
    } else {
        transposed = (0..n).flat_map(|j| b[j..].iter().step_by(n).copied()).collect();
        &transposed
    };
    let rows = |first: usize, out: &mut [u64]| {
        dispatch_at(
            level,
            #[inline(always)]
            || {
                for (out, a) in out.chunks_exact_mut(n).zip(a[first * k..].chunks_exact(k)) {
                    for (out, b) in out.iter_mut().zip(columns.chunks_exact(k)) {
                        let sum =
                            a.iter().zip(b).fold(0u64, |sum, (&a, &b)| sum.wrapping_add(a.wrapping_mul(b)));
                        *out = match sign {
                            Sign::Plus => out.wrapping_add(sum),
                            Sign::Minus => out.wrapping_sub(sum),
                        };
                    }
                }
            },
        );
    };
    if parallel::worthwhile(m * k) {
        let share = m.div_ceil(4 * rayon::current_num_threads());
        out.par_chunks_mut(share * n).enumerate().for_each(|(i, out)| rows(i * share, out));
    } else {
        rows(0, out);
    }
}
