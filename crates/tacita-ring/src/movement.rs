//! Data movement and sums along axes: broadcast, transpose, slice, pad, concat, sum. One pass each.

use rayon::prelude::*;

use crate::shape::{Nest, broadcast_strides, size, strides};
use crate::tensor::RingTensor;
use crate::{parallel, simd};

impl RingTensor {
    /// The tensor stretched to `shape` by numpy's rule.
    ///
    /// # Panics
    /// If it does not broadcast to `shape`; the message names both shapes.
    pub fn broadcast_to(&self, shape: &[usize]) -> Self {
        let from = broadcast_strides(self.shape(), shape)
            .unwrap_or_else(|| panic!("shape {:?} does not broadcast to {shape:?}", self.shape()));
        gather(self.data(), shape, &from)
    }

    /// The tensor with axis `i` of the result being axis `perm[i]` of `self`.
    ///
    /// # Panics
    /// If `perm` is no permutation of the axes; the message names it and the shape.
    pub fn transpose(&self, perm: &[usize]) -> Self {
        let mut sorted = perm.to_vec();
        sorted.sort_unstable();
        assert!(
            sorted.into_iter().eq(0..self.shape().len()),
            "{perm:?} is no permutation of the axes of shape {:?}",
            self.shape()
        );
        let from = strides(self.shape());
        let shape: Vec<usize> = perm.iter().map(|&axis| self.shape()[axis]).collect();
        let from: Vec<usize> = perm.iter().map(|&axis| from[axis]).collect();
        gather(self.data(), &shape, &from)
    }

    /// Elements `starts[i]`, `starts[i] + steps[i]`, … below `ends[i]` of each axis `i`.
    ///
    /// # Panics
    /// If there is not one start, end and step an axis, an end lies beyond the shape or before its start, or a
    /// step is 0; the message names all of them.
    pub fn slice(&self, starts: &[usize], ends: &[usize], steps: &[usize]) -> Self {
        let rank = self.shape().len();
        assert!(
            [starts.len(), ends.len(), steps.len()] == [rank; 3]
                && (0..rank).all(|i| starts[i] <= ends[i] && ends[i] <= self.shape()[i] && steps[i] > 0),
            "cannot slice shape {:?} from {starts:?} to {ends:?} by {steps:?}",
            self.shape()
        );
        let shape: Vec<usize> = (0..rank).map(|i| (ends[i] - starts[i]).div_ceil(steps[i])).collect();
        let own = strides(self.shape());
        let from: Vec<usize> = (0..rank).map(|i| own[i] * steps[i]).collect();
        if size(&shape) == 0 {
            return Self::zeros(&shape);
        }
        let offset: usize = (0..rank).map(|i| own[i] * starts[i]).sum();
        gather(&self.data()[offset..], &shape, &from)
    }

    /// The tensor with `before[i]` and `after[i]` elements of `value` added around axis `i`.
    ///
    /// # Panics
    /// If there is not one pad before and after for each axis; the message names all.
    pub fn pad(&self, before: &[usize], after: &[usize], value: u64) -> Self {
        let rank = self.shape().len();
        assert!(
            before.len() == rank && after.len() == rank,
            "cannot pad shape {:?} by {before:?} and {after:?}",
            self.shape()
        );
        let shape: Vec<usize> = (0..rank).map(|i| before[i] + self.shape()[i] + after[i]).collect();
        let mut out = Vec::with_capacity(size(&shape));
        append_padded(&mut out, self.data(), self.shape(), &shape, before, value);
        Self::new(shape, out)
    }

    /// The tensors one after another along `axis`.
    ///
    /// # Panics
    /// If there are none, `axis` is out of range, or shapes differ on another axis; the message names two.
    pub fn concat(parts: &[&Self], axis: usize) -> Self {
        let first = parts.first().expect("cannot concatenate no tensors");
        assert!(axis < first.shape().len(), "axis {axis} is out of range for shape {:?}", first.shape());
        for part in parts {
            let matches = part.shape().len() == first.shape().len()
                && part.shape().iter().zip(first.shape()).enumerate().all(|(i, (x, y))| i == axis || x == y);
            assert!(
                matches,
                "cannot concatenate shapes {:?} and {:?} along axis {axis}",
                first.shape(),
                part.shape()
            );
        }
        let mut shape = first.shape().to_vec();
        shape[axis] = parts.iter().map(|part| part.shape()[axis]).sum();
        let mut out = Vec::with_capacity(size(&shape));
        let outer = size(&shape[..axis]);
        for i in 0..outer {
            for part in parts {
                let run = part.len() / outer;
                out.extend_from_slice(&part.data()[i * run..(i + 1) * run]);
            }
        }
        Self::new(shape, out)
    }

    /// The sum over `axes` (each at most once, in any order), which keep length 1 if `keepdims` and else vanish.
    ///
    /// # Panics
    /// If an axis is out of range or repeated; the message names the axes and the shape.
    pub fn sum(&self, axes: &[usize], keepdims: bool) -> Self {
        let rank = self.shape().len();
        assert!(
            axes.iter().enumerate().all(|(i, axis)| *axis < rank && !axes[..i].contains(axis)),
            "cannot sum shape {:?} over axes {axes:?}",
            self.shape()
        );
        let kept: Vec<usize> =
            (0..rank).map(|i| if axes.contains(&i) { 1 } else { self.shape()[i] }).collect();
        let to = broadcast_strides(&kept, self.shape()).expect("a sum's shape broadcasts back");
        let nest = Nest::new(self.shape(), [&strides(self.shape()), &to]);
        let (length, [_, step]) = nest.inner();
        let mut out = vec![0u64; size(&kept)];
        simd::dispatch(
            #[inline(always)]
            || {
                nest.for_each_row(
                    #[inline(always)]
                    |[i, o]| {
                        let row = &self.data()[i..i + length];
                        if step == 0 {
                            out[o] = row.iter().fold(out[o], |sum, &x| sum.wrapping_add(x));
                        } else {
                            for (sum, &x) in out[o..o + length].iter_mut().zip(row) {
                                *sum = sum.wrapping_add(x);
                            }
                        }
                    },
                );
            },
        );
        let shape = if keepdims {
            kept
        } else {
            (0..rank).filter(|i| !axes.contains(i)).map(|i| self.shape()[i]).collect()
        };
        Self::new(shape, out)
    }
}

/// The tensor of `shape` whose element at index `i` is `data[sum of i * from]`.
fn gather(data: &[u64], shape: &[usize], from: &[usize]) -> RingTensor {
    let nest = Nest::new(shape, [&strides(shape), from]);
    let (length, [run, step]) = nest.outer();
    let mut out = vec![0; size(shape)];
    if parallel::worthwhile(out.len()) && length > 1 {
        let inner = nest.with_outer_length(1);
        out.par_chunks_mut(run)
            .enumerate()
            .for_each(|(i, part)| gather_rows(part, &data[i * step..], &inner));
    } else {
        gather_rows(&mut out, data, &nest);
    }
    RingTensor::new(shape.to_vec(), out)
}

fn gather_rows(out: &mut [u64], data: &[u64], nest: &Nest<2>) {
    let (length, [_, step]) = nest.inner();
    simd::dispatch(
        #[inline(always)]
        || {
            nest.for_each_row(
                #[inline(always)]
                |[o, i]| {
                    let out = &mut out[o..o + length];
                    match step {
                        0 => out.fill(data[i]),
                        1 => out.copy_from_slice(&data[i..i + length]),
                        2 => {
                            let row = &data[i..i + 2 * length - 1];
                            for (o, pair) in out.iter_mut().zip(row.chunks(2)) {
                                *o = pair[0];
                            }
                        }
                        _ => {
                            for (o, &x) in out.iter_mut().zip(data[i..].iter().step_by(step)) {
                                *o = x;
                            }
                        }
                    }
                },
            );
        },
    );
}

/// Appends `data` of shape `from`, padded to shape `to`, to `out`: each element is written once.
fn append_padded(
    out: &mut Vec<u64>,
    data: &[u64],
    from: &[usize],
    to: &[usize],
    before: &[usize],
    value: u64,
) {
    let end = out.len() + size(to);
    if from == to {
        out.extend_from_slice(data);
        return;
    }
    let (inner_from, inner_to) = (size(&from[1..]), size(&to[1..]));
    out.resize(out.len() + before[0] * inner_to, value);
    if from[1..] == to[1..] {
        out.extend_from_slice(data);
    } else {
        for i in 0..from[0] {
            let part = &data[i * inner_from..(i + 1) * inner_from];
            append_padded(out, part, &from[1..], &to[1..], &before[1..], value);
        }
    }
    out.resize(end, value);
}
