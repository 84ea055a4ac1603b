//! Data movement and sums along axes: broadcast, transpose, slice, take, pad, concat, sum. One pass each.

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

    /// Permutes the axes: axis `i` of the result is axis `perm[i]` of `self`.
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
    /// If there is not one start, end and step for each axis, an end exceeds the shape or precedes its start, or a step
    /// is 0; the message names all of them.
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

    /// The elements at `indices` along `axis`, one after another; [`Self::ZERO`] stands for zeros.
    ///
    /// # Panics
    /// If the axis is out of range or an index beyond it; the message names both and the shape.
    pub fn take(&self, axis: usize, indices: &[u32]) -> Self {
        let shape = self.shape();
        assert!(axis < shape.len(), "axis {axis} is out of range for shape {shape:?}");
        let length = shape[axis];
        if let Some(index) = indices.iter().find(|&&i| i != Self::ZERO && i as usize >= length) {
            panic!("index {index} is out of range for axis {axis} of shape {shape:?}");
        }
        let inner = size(&shape[axis + 1..]);
        let mut to = shape.to_vec();
        to[axis] = indices.len();
        let mut out = vec![0; size(&to)];
        if out.is_empty() {
            return Self::new(to, out);
        }
        // Tasks take whole rows; a row holds the elements at one index.
        let share = parallel::chunk(out.len()).div_ceil(inner);
        let rows = |first: usize, part: &mut [u64]| {
            let (mut outer, mut at) = (first / indices.len(), first % indices.len());
            for row in part.chunks_exact_mut(inner) {
                if indices[at] != Self::ZERO {
                    let from = (outer * length + indices[at] as usize) * inner;
                    row.copy_from_slice(&self.data()[from..from + inner]);
                }
                at += 1;
                if at == indices.len() {
                    (outer, at) = (outer + 1, 0);
                }
            }
        };
        if parallel::worthwhile(out.len()) {
            out.par_chunks_mut(share * inner).enumerate().for_each(|(i, part)| rows(i * share, part));
        } else {
            rows(0, &mut out);
        }
        Self::new(to, out)
    }

    /// The index that stands for zeros in [`Self::take`].
    pub const ZERO: u32 = u32::MAX;

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

    /// The sum over `axes` (each at most once, in any order), which keep length 1 if `keepdims` and disappear
    /// otherwise.
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
        // Each task takes some indices of the outermost axis.
        let share = parallel::chunk(out.len()).div_ceil(run);
        out.par_chunks_mut(share * run).enumerate().for_each(|(i, part)| {
            let part_nest = nest.with_outer_length(part.len() / run);
            gather_rows(part, &data[i * share * step..], &part_nest);
        });
    } else {
        gather_rows(&mut out, data, &nest);
    }
    RingTensor::new(shape.to_vec(), out)
}

fn gather_rows(out: &mut [u64], data: &[u64], nest: &Nest<2>) {
    // Not dispatched: there is no arithmetic, and with AVX2 or AVX-512 the compiler would use gather instructions,
    // which are several times slower than scalar loads.
    let (length, [_, step]) = nest.inner();
    nest.for_each_row(|[o, i]| {
        let out = &mut out[o..o + length];
        match step {
            0 => out.fill(data[i]),
            1 => out.copy_from_slice(&data[i..i + length]),
            2 => {
                let (pairs, last) = data[i..i + 2 * length - 1].as_chunks::<2>();
                for (o, pair) in out.iter_mut().zip(pairs) {
                    *o = pair[0];
                }
                out[length - 1] = last[0];
            }
            _ => {
                for (o, &x) in out.iter_mut().zip(data[i..].iter().step_by(step)) {
                    *o = x;
                }
            }
        }
    });
}

/// Appends `data` of shape `from`, padded to shape `to`, to `out`; writes each element once.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counting(shape: &[usize]) -> RingTensor {
        RingTensor::new(shape.to_vec(), (0..size(shape) as u64).collect())
    }

    /// The tensor of `shape` with `f(index)` at each index.
    fn tabulate(shape: &[usize], mut f: impl FnMut(&[usize]) -> u64) -> RingTensor {
        let own = strides(shape);
        let data = (0..size(shape))
            .map(|flat| f(&own.iter().zip(shape).map(|(s, n)| flat / s % n).collect::<Vec<_>>()))
            .collect();
        RingTensor::new(shape.to_vec(), data)
    }

    fn at(x: &RingTensor, index: &[usize]) -> u64 {
        x.data()[index.iter().zip(strides(x.shape())).map(|(i, s)| i * s).sum::<usize>()]
    }

    /// Shapes of up to four axes, with axes of length 0 and 1 among them.
    fn shapes() -> impl Strategy<Value = Vec<usize>> {
        prop::collection::vec(prop_oneof![4 => 2usize..9, 2 => Just(1usize), 1 => Just(0usize)], 0..5)
    }

    proptest! {
        #[test]
        fn transposes(shape in shapes(), seed: u64) {
            let x = counting(&shape);
            let mut perm: Vec<usize> = (0..shape.len()).collect();
            perm.sort_by_key(|&axis| (axis as u64 + 1).wrapping_mul(seed | 1) >> 7);
            let to: Vec<usize> = perm.iter().map(|&axis| shape[axis]).collect();
            let expected = tabulate(&to, |index| {
                let mut from = vec![0; index.len()];
                perm.iter().zip(index).for_each(|(&axis, &i)| from[axis] = i);
                at(&x, &from)
            });
            prop_assert_eq!(x.transpose(&perm), expected);
        }

        #[test]
        fn slices(shape in shapes(), cuts in prop::collection::vec((0usize..9, 0usize..9, 1usize..5), 4)) {
            let x = counting(&shape);
            let cut = |i: usize| { let (a, b) = (cuts[i].0.min(shape[i]), cuts[i].1.min(shape[i])); (a.min(b), a.max(b)) };
            let starts: Vec<usize> = (0..shape.len()).map(|i| cut(i).0).collect();
            let ends: Vec<usize> = (0..shape.len()).map(|i| cut(i).1).collect();
            let steps: Vec<usize> = (0..shape.len()).map(|i| cuts[i].2).collect();
            let to: Vec<usize> = (0..shape.len()).map(|i| (starts[i]..ends[i]).step_by(steps[i]).len()).collect();
            let expected = tabulate(&to, |index| {
                at(&x, &(0..index.len()).map(|i| starts[i] + index[i] * steps[i]).collect::<Vec<_>>())
            });
            prop_assert_eq!(x.slice(&starts, &ends, &steps), expected);
        }

        #[test]
        fn takes(shape in shapes(), axis in 0usize..4, picks in prop::collection::vec(any::<prop::sample::Index>(), 0..9)) {
            prop_assume!(axis < shape.len());
            let x = counting(&shape);
            let indices: Vec<u32> = picks
                .iter()
                .map(|pick| pick.index(shape[axis] + 1))
                .map(|i| if i == shape[axis] { RingTensor::ZERO } else { i as u32 })
                .collect();
            let mut to = shape.clone();
            to[axis] = indices.len();
            let expected = tabulate(&to, |index| {
                let mut from = index.to_vec();
                match indices[index[axis]] {
                    RingTensor::ZERO => 0,
                    i => { from[axis] = i as usize; at(&x, &from) }
                }
            });
            prop_assert_eq!(x.take(axis, &indices), expected);
        }

        #[test]
        fn pads_and_slices_back(shape in shapes(), pads in prop::collection::vec((0usize..3, 0usize..3), 4)) {
            let x = counting(&shape);
            let before: Vec<usize> = pads[..shape.len()].iter().map(|pad| pad.0).collect();
            let after: Vec<usize> = pads[..shape.len()].iter().map(|pad| pad.1).collect();
            let to: Vec<usize> = (0..shape.len()).map(|i| before[i] + shape[i] + after[i]).collect();
            let expected = tabulate(&to, |index| {
                let from: Option<Vec<usize>> =
                    (0..index.len()).map(|i| index[i].checked_sub(before[i]).filter(|&j| j < shape[i])).collect();
                from.map_or(99, |from| at(&x, &from))
            });
            let padded = x.pad(&before, &after, 99);
            let ends: Vec<usize> = (0..shape.len()).map(|i| before[i] + shape[i]).collect();
            prop_assert_eq!(padded.slice(&before, &ends, &vec![1; shape.len()]), x);
            prop_assert_eq!(padded, expected);
        }

        #[test]
        fn concatenation_is_sliced_back(shape in shapes(), axis in 0usize..4, other in 0usize..5) {
            prop_assume!(axis < shape.len());
            let x = counting(&shape);
            let mut other_shape = shape.clone();
            other_shape[axis] = other;
            let y = counting(&other_shape);
            let both = RingTensor::concat(&[&x, &y, &x], axis);
            let ones = vec![1; shape.len()];
            let (mut starts, mut ends) = (vec![0; shape.len()], both.shape().to_vec());
            ends[axis] = shape[axis];
            prop_assert_eq!(&both.slice(&starts, &ends, &ones), &x);
            (starts[axis], ends[axis]) = (shape[axis], shape[axis] + other);
            prop_assert_eq!(both.slice(&starts, &ends, &ones), y);
            (starts[axis], ends[axis]) = (shape[axis] + other, 2 * shape[axis] + other);
            prop_assert_eq!(both.slice(&starts, &ends, &ones), x);
        }

        #[test]
        fn sums_and_broadcasts(shape in shapes(), summed in prop::collection::vec(any::<bool>(), 4)) {
            let x = RingTensor::new(shape.clone(), crate::test_data(size(&shape), 3));
            let axes: Vec<usize> = (0..shape.len()).filter(|&axis| summed[axis]).collect();
            let kept: Vec<usize> = (0..shape.len()).map(|i| if summed[i] { 1 } else { shape[i] }).collect();
            let mut expected = RingTensor::zeros(&kept);
            let own = strides(&kept);
            tabulate(&shape, |index| {
                let to: usize = (0..index.len()).map(|i| if summed[i] { 0 } else { own[i] * index[i] }).sum();
                expected.data_mut()[to] = expected.data()[to].wrapping_add(at(&x, index));
                0
            });
            let sum = x.sum(&axes, true);
            prop_assert!(x.sum(&axes, false).data() == expected.data());
            prop_assert!(sum == expected);
            let stretched = sum.broadcast_to(&shape);
            let product = x.mul(&sum);
            let expected = tabulate(&shape, |index| {
                at(&sum, &(0..index.len()).map(|i| if summed[i] { 0 } else { index[i] }).collect::<Vec<_>>())
            });
            prop_assert!(stretched == expected);
            let mut difference = expected.clone();
            difference.sub_assign(&x);
            prop_assert!(sum.sub(&x) == difference);
            prop_assert!(product == tabulate(&shape, |index| at(&x, index).wrapping_mul(at(&expected, index))));
        }
    }

    #[test]
    fn threads_change_nothing() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let x = counting(&[3, 70, 1600]);
        let bias = counting(&[70, 1]);
        let run = || {
            [
                x.slice(&[0, 1, 0], &[3, 69, 1600], &[1, 1, 1]),
                x.transpose(&[2, 0, 1]),
                x.add(&bias),
                x.mul(&x),
                x.broadcast_to(&[2, 3, 70, 1600]),
                x.slice(&[0; 3], &[3, 70, 1600], &[1, 1, 1]),
                x.slice(&[0; 3], &[3, 70, 1600], &[1, 1, 2]).add(&counting(&[1])),
                RingTensor::filled(&[1], 7).broadcast_to(&[300_000]),
                RingTensor::filled(&[300_000], 7).mul(&RingTensor::filled(&[], 3)),
                x.sum(&[0, 2], false),
                x.take(1, &(0..69).rev().chain([RingTensor::ZERO, 3]).collect::<Vec<u32>>()),
                x.take(2, &(0..1600).rev().collect::<Vec<u32>>()),
            ]
        };
        assert!(pool.install(run) == run());
    }

    #[test]
    #[should_panic(expected = "index 3 is out of range for axis 1 of shape [2, 3]")]
    fn an_index_beyond_the_axis_is_refused() {
        counting(&[2, 3]).take(1, &[0, RingTensor::ZERO, 3]);
    }

    #[test]
    #[should_panic(expected = "cannot slice shape [2, 3] from [0, 0] to [2, 4] by [1, 1]")]
    fn a_slice_beyond_the_shape_is_refused() {
        counting(&[2, 3]).slice(&[0, 0], &[2, 4], &[1, 1]);
    }
}
