//! Movements: what puts elements elsewhere, repeats or leaves them out. They cost no communication. Any kind.

use tacita_graph::functions::{self, DepthOrder, PadMode, Range1, Reduction};
use tacita_graph::ops;

use super::Tensor;
use ndarray::ArrayD;

impl Tensor {
    /// The elements in reverse order along axes.
    #[must_use]
    pub fn flip(&self, axes: &[isize]) -> Tensor {
        self.function(&[], |graph, x| functions::flip(graph, x[0], axes, ""))
    }

    /// The elements moved by so many places along axes, pairs (axis, shift); what leaves comes in at the other end.
    #[must_use]
    pub fn roll(&self, shifts: &[(isize, isize)]) -> Tensor {
        self.function(&[], |graph, x| functions::roll(graph, x[0], shifts, ""))
    }

    /// Each element so many times, one after another, along an axis.
    #[must_use]
    pub fn repeat(&self, times: usize, axis: isize) -> Tensor {
        self.function(&[], |graph, x| functions::repeat(graph, x[0], times, axis, ""))
    }

    /// The tensor so many times one after another along each axis, the last number being for the last axis.
    #[must_use]
    pub fn tile(&self, times: &[usize]) -> Tensor {
        self.function(&[], |graph, x| functions::tile(graph, x[0], times, ""))
    }

    /// The tensor repeated to a shape to which it broadcasts.
    #[must_use]
    pub fn expand(&self, shape: &[usize]) -> Tensor {
        self.op(ops::Expand { shape: tacita_graph::dims(shape) }, &[])
    }

    /// Without these axes, which have size 1.
    #[must_use]
    pub fn squeeze(&self, axes: &[isize]) -> Tensor {
        self.function(&[], |graph, x| functions::squeeze(graph, x[0], Some(axes), ""))
    }

    /// With new axes of size 1, which are these of the result.
    #[must_use]
    pub fn unsqueeze(&self, axes: &[isize]) -> Tensor {
        self.function(&[], |graph, x| functions::unsqueeze(graph, x[0], axes, ""))
    }

    /// This tensor and others one after another along an axis.
    #[must_use]
    pub fn concat(&self, others: &[&Tensor], axis: isize) -> Tensor {
        self.function(others, |graph, x| functions::concat(graph, x, axis, ""))
    }

    /// This tensor and others, of one shape, along a new axis.
    #[must_use]
    pub fn stack(&self, others: &[&Tensor], axis: isize) -> Tensor {
        self.function(others, |graph, x| functions::stack(graph, x, axis, ""))
    }

    /// Parts of these sizes along an axis.
    #[must_use]
    pub fn split(&self, sizes: &[usize], axis: isize) -> Vec<Tensor> {
        self.functions(&[], |graph, x| functions::split(graph, x[0], sizes, axis, ""))
    }

    /// At most so many parts of one size along an axis, the last perhaps smaller.
    #[must_use]
    pub fn chunk(&self, parts: usize, axis: isize) -> Vec<Tensor> {
        self.functions(&[], |graph, x| functions::chunk(graph, x[0], parts, axis, ""))
    }

    /// `length` elements from `start` on along an axis.
    #[must_use]
    pub fn narrow(&self, axis: isize, start: usize, length: usize) -> Tensor {
        self.function(&[], |graph, x| functions::narrow(graph, x[0], axis, start, length, ""))
    }

    /// Every so-manieth element between bounds, along each axis named.
    #[must_use]
    pub fn slice(&self, ranges: &[Range1]) -> Tensor {
        self.function(&[], |graph, x| functions::slice(graph, x[0], ranges, ""))
    }

    /// The elements at public indices along an axis, which the shape of the indices replaces.
    #[must_use]
    pub fn take(&self, indices: &ArrayD<i64>, axis: isize) -> Tensor {
        self.function(&[], |graph, x| functions::take(graph, x[0], indices, axis, ""))
    }

    /// For each public index the element that is there along an axis, at the index's place along the others.
    #[must_use]
    pub fn gather_elements(&self, indices: &ArrayD<i64>, axis: isize) -> Tensor {
        self.function(&[], |graph, x| functions::gather_elements(graph, x[0], indices, axis, ""))
    }

    /// The parts that public indices (..., k) name by the first k axes.
    #[must_use]
    pub fn gather_nd(&self, indices: &ArrayD<i64>) -> Tensor {
        self.function(&[], |graph, x| functions::gather_nd(graph, x[0], indices, 0, ""))
    }

    /// With updates at public indices along an axis, at an update's own place along the others.
    #[must_use]
    pub fn scatter_elements(
        &self,
        indices: &ArrayD<i64>,
        updates: &Tensor,
        axis: isize,
        reduction: Reduction,
    ) -> Tensor {
        self.function(&[updates], |graph, x| {
            functions::scatter_elements(graph, x[0], indices, x[1], axis, reduction, "")
        })
    }

    /// With updates at the parts that public indices (..., k) name by the first k axes.
    #[must_use]
    pub fn scatter_nd(&self, indices: &ArrayD<i64>, updates: &Tensor, reduction: Reduction) -> Tensor {
        self.function(&[updates], |graph, x| functions::scatter_nd(graph, x[0], indices, x[1], reduction, ""))
    }

    /// The diagonals with this offset of the matrices in the last two axes.
    #[must_use]
    pub fn diagonal(&self, offset: isize) -> Tensor {
        self.function(&[], |graph, x| functions::diagonal(graph, x[0], offset, ""))
    }

    /// A matrix's diagonal with this offset, or the matrix of a vector that is its diagonal.
    #[must_use]
    pub fn diag(&self, offset: isize) -> Tensor {
        self.function(&[], |graph, x| functions::diag(graph, x[0], offset, ""))
    }

    /// The matrices in the last two axes with zeros below diagonal number `k`.
    #[must_use]
    pub fn triu(&self, k: isize) -> Tensor {
        self.function(&[], |graph, x| functions::triu(graph, x[0], k, ""))
    }

    /// The matrices in the last two axes with zeros above diagonal number `k`.
    #[must_use]
    pub fn tril(&self, k: isize) -> Tensor {
        self.function(&[], |graph, x| functions::tril(graph, x[0], k, ""))
    }

    /// With so many elements more before and after, an axis each; negative numbers take away.
    #[must_use]
    pub fn pad(&self, before: &[i64], after: &[i64], mode: PadMode) -> Tensor {
        self.function(&[], |graph, x| functions::pad(graph, x[0], before, after, mode, ""))
    }

    /// (n, c · block², h, w) as (n, c, h · block, w · block): groups of channels become blocks of pixels.
    #[must_use]
    pub fn depth_to_space(&self, block: usize, order: DepthOrder) -> Tensor {
        self.function(&[], |graph, x| functions::depth_to_space(graph, x[0], block, order, ""))
    }

    /// (n, c, h, w) as (n, c · block², h / block, w / block): blocks of pixels become groups of channels.
    #[must_use]
    pub fn space_to_depth(&self, block: usize, order: DepthOrder) -> Tensor {
        self.function(&[], |graph, x| functions::space_to_depth(graph, x[0], block, order, ""))
    }
}
