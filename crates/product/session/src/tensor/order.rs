//! Extremes, sorting, and look-ups at secret indices.

use tacita_graph::ops;

use super::Tensor;

impl Tensor {
    /// The largest element along an axis.
    #[must_use]
    pub fn max(&self, axis: isize) -> Tensor {
        self.op(ops::Max { axis: self.axis(axis), keepdims: false }, &[])
    }

    /// The index of the largest element along an axis, the lowest of equals.
    #[must_use]
    pub fn argmax(&self, axis: isize) -> Tensor {
        self.op(ops::ArgMax { axis: self.axis(axis), keepdims: false }, &[])
    }

    /// The larger of each two elements.
    #[must_use]
    pub fn maximum(&self, other: &Tensor) -> Tensor {
        self.op(ops::Maximum {}, &[other])
    }

    /// The smaller of each two elements.
    #[must_use]
    pub fn minimum(&self, other: &Tensor) -> Tensor {
        self.op(ops::Minimum {}, &[other])
    }

    /// The smallest element along an axis.
    #[must_use]
    pub fn min(&self, axis: isize) -> Tensor {
        self.op(ops::Min { axis: self.axis(axis), keepdims: false }, &[])
    }

    /// The index of the smallest element along an axis, the lowest of equals.
    #[must_use]
    pub fn argmin(&self, axis: isize) -> Tensor {
        self.op(ops::ArgMin { axis: self.axis(axis), keepdims: false }, &[])
    }

    /// The elements along an axis in order, at most 1024.
    #[must_use]
    pub fn sort(&self, axis: isize, descending: bool) -> Tensor {
        self.op(ops::Sort { axis: self.axis(axis), descending }, &[])
    }

    /// The indices of the elements along an axis in their order, the lower first of equals.
    #[must_use]
    pub fn argsort(&self, axis: isize, descending: bool) -> Tensor {
        self.op(ops::ArgSort { axis: self.axis(axis), descending }, &[])
    }

    /// The `k` largest elements along an axis (or, if not `largest`, the smallest) and their indices, best first.
    ///
    /// # Panics
    /// If the axis has fewer than `k` elements.
    #[must_use]
    pub fn topk(&self, k: usize, axis: isize, largest: bool) -> (Tensor, Tensor) {
        let [values, indices] = [self.sort(axis, largest), self.argsort(axis, largest)];
        (values.range(axis, 0, k), indices.range(axis, 0, k))
    }

    /// The element that is number `k`, from 0, in ascending order along an axis.
    ///
    /// # Panics
    /// If the axis has no more than `k` elements.
    #[must_use]
    pub fn kthvalue(&self, k: usize, axis: isize) -> Tensor {
        let shape = self.without(axis);
        self.sort(axis, false).range(axis, k, k + 1).reshape(&shape)
    }

    /// The median along an axis of fixed-point numbers: of an even number of elements the mean of the two in the middle, as
    /// NumPy has it (PyTorch takes the lower).
    #[must_use]
    pub fn median(&self, axis: isize) -> Tensor {
        let n = self.shape()[self.axis(axis)];
        self.sort(axis, false).range(axis, (n - 1) / 2, n / 2 + 1).mean(&[axis])
    }

    /// Bits along a new last axis of size `depth`, of which the one at this integer is 1; an index below zero counts
    /// from the end, and one beyond has none.
    #[must_use]
    pub fn one_hot(&self, depth: usize) -> Tensor {
        self.op(ops::OneHot { depth }, &[])
    }

    /// The slices along an axis at secret integers, whose axes take the axis' place: with a matrix of embeddings and
    /// axis 0, their rows. An index below zero counts from the end, and one beyond gives zeros.
    #[must_use]
    pub fn pick(&self, axis: isize, indices: &Tensor) -> Tensor {
        let axis = self.axis(axis);
        self.op(ops::Pick { axis }, &[&indices.one_hot(self.shape()[axis])])
    }

    /// Indices from `start` to before `end` of an axis.
    fn range(&self, axis: isize, start: usize, end: usize) -> Tensor {
        let (axis, shape) = (self.axis(axis), self.shape());
        assert!(start < end && end <= shape[axis], "elements {start} to {end} of an axis of {}", shape[axis]);
        let (mut starts, mut ends, steps) = (vec![0; shape.len()], shape.clone(), vec![1; shape.len()]);
        (starts[axis], ends[axis]) = (start, end);
        self.op(ops::Slice { starts, ends, steps }, &[])
    }

    fn without(&self, axis: isize) -> Vec<usize> {
        let mut shape = self.shape();
        shape.remove(self.axis(axis));
        shape
    }
}
