//! Products, sums along axes, convolutions, pooling and resampling.

use tacita_graph::functions::{self, ConvTranspose, Coordinates, Resampling, Resize};
use tacita_graph::ops;

use super::Tensor;

impl Tensor {
    /// NumPy's `dot`.
    #[must_use]
    pub fn dot(&self, other: &Tensor) -> Tensor {
        self.function(&[other], |graph, x| functions::dot(graph, x[0], x[1], ""))
    }

    /// The products of each element with each of the other's: a matrix.
    #[must_use]
    pub fn outer(&self, other: &Tensor) -> Tensor {
        self.function(&[other], |graph, x| functions::outer(graph, x[0], x[1], ""))
    }

    /// Einstein's sum of this tensor and others, as NumPy writes it: `"bij,bjk->bik"`.
    #[must_use]
    pub fn einsum(&self, equation: &str, others: &[&Tensor]) -> Tensor {
        self.function(others, |graph, x| functions::einsum(graph, equation, x, ""))
    }

    /// The convolution with a kernel (o, c/groups, spatial...), and a bias (o), over one to three spatial axes.
    #[must_use]
    pub fn conv(&self, kernel: &Tensor, bias: Option<&Tensor>, attributes: &ops::Conv) -> Tensor {
        let others: Vec<&Tensor> = [kernel].into_iter().chain(bias).collect();
        self.function(&others, |graph, x| {
            functions::conv(graph, x[0], x[1], x.get(2).copied(), attributes, "")
        })
    }

    /// The transposed convolution with a kernel (c, o/groups, spatial...), and a bias (o).
    #[must_use]
    pub fn conv_transpose(
        &self,
        kernel: &Tensor,
        bias: Option<&Tensor>,
        attributes: &ConvTranspose,
    ) -> Tensor {
        let others: Vec<&Tensor> = [kernel].into_iter().chain(bias).collect();
        self.function(&others, |graph, x| {
            functions::conv_transpose(graph, x[0], x[1], x.get(2).copied(), attributes, "")
        })
    }

    /// The maximum over a sliding window of (n, c, spatial...).
    #[must_use]
    pub fn max_pool(&self, window: &ops::MaxPool) -> Tensor {
        self.function(&[], |graph, x| functions::max_pool(graph, x[0], window, ""))
    }

    /// The mean over a sliding window of (n, c, spatial...).
    #[must_use]
    pub fn average_pool(&self, window: &ops::AveragePool, dilation: &[usize]) -> Tensor {
        self.function(&[], |graph, x| functions::average_pool(graph, x[0], window, dilation, ""))
    }

    /// The means over windows that give the last axes these sizes.
    #[must_use]
    pub fn adaptive_average_pool(&self, output: &[usize]) -> Tensor {
        self.function(&[], |graph, x| functions::adaptive_average_pool(graph, x[0], output, ""))
    }

    /// The maxima over windows that give the last axes of `(n, c, [h,] w)` these sizes.
    #[must_use]
    pub fn adaptive_max_pool(&self, output: &[usize]) -> Tensor {
        self.function(&[], |graph, x| functions::adaptive_max_pool(graph, x[0], output, ""))
    }

    /// The maximum over all axes of (n, c, spatial...) after two, which keep size 1.
    #[must_use]
    pub fn global_max_pool(&self) -> Tensor {
        self.function(&[], |graph, x| functions::global_max_pool(graph, x[0], ""))
    }

    /// With other sizes of axes, the elements resampled.
    #[must_use]
    pub fn resize(&self, axes: &[Resize], resampling: Resampling, coordinates: Coordinates) -> Tensor {
        self.function(&[], |graph, x| functions::resize(graph, x[0], axes, resampling, coordinates, ""))
    }

    /// The sum over axes, which keep size 1.
    #[must_use]
    pub fn sum_keepdims(&self, axes: &[isize]) -> Tensor {
        self.op(ops::Sum { axes: self.axes(axes), keepdims: true }, &[])
    }

    /// The mean over axes, which keep size 1.
    #[must_use]
    pub fn mean_keepdims(&self, axes: &[isize]) -> Tensor {
        self.op(ops::Mean { axes: self.axes(axes), keepdims: true }, &[])
    }

    /// The sum of all elements up to each along an axis.
    #[must_use]
    pub fn cumsum(&self, axis: isize) -> Tensor {
        self.op(ops::CumSum { axis: self.axis(axis), exclusive: false, reverse: false }, &[])
    }

    /// The product of all elements up to each along an axis: log2 n products one after another.
    #[must_use]
    pub fn cumprod(&self, axis: isize) -> Tensor {
        self.function(&[], |graph, x| functions::cum_prod(graph, x[0], axis, false, ""))
    }

    /// The product over axes: log2 n products one after another.
    #[must_use]
    pub fn prod(&self, axes: &[isize], keepdims: bool) -> Tensor {
        self.function(&[], |graph, x| functions::prod(graph, x[0], axes, keepdims, ""))
    }
}
