//! Elementwise arithmetic, in place and with broadcasting.

use rayon::prelude::*;

use crate::shape::{Nest, broadcast_shapes, broadcast_strides, size, strides};
use crate::tensor::RingTensor;
use crate::{parallel, simd};

/// `acc[i] = f(acc[i], other[i])` for slices of one length.
pub(crate) fn zip_assign(acc: &mut [u64], other: &[u64], f: impl Fn(u64, u64) -> u64 + Copy + Sync) {
    parallel::for_each_chunk(acc, |first, acc| {
        let other = &other[first..first + acc.len()];
        simd::dispatch(
            #[inline(always)]
            || {
                for (x, &y) in acc.iter_mut().zip(other) {
                    *x = f(*x, y);
                }
            },
        );
    });
}

/// `acc[i] = f(acc[i])`.
pub(crate) fn map_assign(acc: &mut [u64], f: impl Fn(u64) -> u64 + Copy + Sync) {
    parallel::for_each_chunk(acc, |_, acc| {
        simd::dispatch(
            #[inline(always)]
            || {
                for x in acc.iter_mut() {
                    *x = f(*x);
                }
            },
        );
    });
}

impl RingTensor {
    /// The sum, with numpy's broadcasting.
    ///
    /// # Panics
    /// If the shapes do not broadcast; the message names both.
    pub fn add(&self, other: &Self) -> Self {
        broadcast(self, other, "add", u64::wrapping_add)
    }

    /// The difference, with numpy's broadcasting.
    ///
    /// # Panics
    /// If the shapes do not broadcast; the message names both.
    pub fn sub(&self, other: &Self) -> Self {
        broadcast(self, other, "subtract", u64::wrapping_sub)
    }

    /// The elementwise product, with numpy's broadcasting.
    ///
    /// # Panics
    /// If the shapes do not broadcast; the message names both.
    pub fn mul(&self, other: &Self) -> Self {
        broadcast(self, other, "multiply", u64::wrapping_mul)
    }
}

fn broadcast(
    a: &RingTensor,
    b: &RingTensor,
    verb: &str,
    f: impl Fn(u64, u64) -> u64 + Copy + Send + Sync,
) -> RingTensor {
    let shape = broadcast_shapes(a.shape(), b.shape()).unwrap_or_else(|| {
        panic!("cannot {verb}: shapes {:?} and {:?} do not broadcast", a.shape(), b.shape())
    });
    if a.shape() == b.shape() {
        return RingTensor::new(shape, zip(a.data(), b.data(), f));
    }
    let read = |x: &RingTensor| broadcast_strides(x.shape(), &shape).expect("broadcast_shapes accepted both");
    let nest = Nest::new(&shape, [&strides(&shape), &read(a), &read(b)]);
    let (length, outer) = nest.outer();
    let mut out = vec![0; size(&shape)];
    if parallel::worthwhile(out.len()) && length > 1 {
        // Each task takes some indices of the outermost axis.
        let share = parallel::chunk(out.len()).div_ceil(outer[0]);
        out.par_chunks_mut(share * outer[0]).enumerate().for_each(|(i, part)| {
            let (a, b) = (&a.data()[i * share * outer[1]..], &b.data()[i * share * outer[2]..]);
            rows(part, a, b, &nest.with_outer_length(part.len() / outer[0]), f);
        });
    } else {
        rows(&mut out, a.data(), b.data(), &nest, f);
    }
    RingTensor::new(shape, out)
}

fn zip(a: &[u64], b: &[u64], f: impl Fn(u64, u64) -> u64 + Copy + Send + Sync) -> Vec<u64> {
    if parallel::worthwhile(a.len()) {
        return a.par_iter().zip(b).map(|(&x, &y)| f(x, y)).collect();
    }
    simd::dispatch(
        #[inline(always)]
        || a.iter().zip(b).map(|(&x, &y)| f(x, y)).collect(),
    )
}

fn rows(out: &mut [u64], a: &[u64], b: &[u64], nest: &Nest<3>, f: impl Fn(u64, u64) -> u64 + Copy) {
    let (length, [_, step_a, step_b]) = nest.inner();
    simd::dispatch(
        #[inline(always)]
        || {
            nest.for_each_row(
                #[inline(always)]
                |[o, i, j]| {
                    let out = &mut out[o..o + length];
                    // Broadcast strides are 1 or 0 along the innermost axis of a contiguous operand, unless that axis
                    // was of length 1 and dropped.
                    match (step_a, step_b) {
                        (1, 1) => {
                            for ((o, &x), &y) in out.iter_mut().zip(&a[i..]).zip(&b[j..]) {
                                *o = f(x, y);
                            }
                        }
                        (1, 0) => {
                            let y = b[j];
                            for (o, &x) in out.iter_mut().zip(&a[i..]) {
                                *o = f(x, y);
                            }
                        }
                        (0, 1) => {
                            let x = a[i];
                            for (o, &y) in out.iter_mut().zip(&b[j..]) {
                                *o = f(x, y);
                            }
                        }
                        _ => {
                            for (n, o) in out.iter_mut().enumerate() {
                                *o = f(a[i + n * step_a], b[j + n * step_b]);
                            }
                        }
                    }
                },
            );
        },
    );
}
