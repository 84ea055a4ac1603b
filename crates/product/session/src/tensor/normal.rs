//! Softmax, moments, norms and normalisations: functions of rows of elements.

use tacita_graph::functions::{self, Norm};
use tacita_graph::{Graph, GraphError, NodeId, ops};

use super::Tensor;

/// Where γ and β are among the inputs of a function, whose first is x.
fn places(gamma: Option<&Tensor>, beta: Option<&Tensor>) -> [Option<usize>; 2] {
    [gamma.map(|_| 1), beta.map(|_| 1 + usize::from(gamma.is_some()))]
}

impl Tensor {
    /// e^x over the sum of e^x along an axis.
    #[must_use]
    pub fn softmax(&self, axis: isize) -> Tensor {
        self.op(ops::Softmax { axis: self.axis(axis) }, &[])
    }

    /// The logarithm of the softmax along an axis.
    #[must_use]
    pub fn log_softmax(&self, axis: isize) -> Tensor {
        self.op(ops::LogSoftmax { axis: self.axis(axis) }, &[])
    }

    /// The logarithm of the sum of e^x along an axis.
    #[must_use]
    pub fn logsumexp(&self, axis: isize, keepdims: bool) -> Tensor {
        self.op(ops::LogSumExp { axis: self.axis(axis), keepdims }, &[])
    }

    /// The mean of squares over axes.
    #[must_use]
    pub fn mean_square(&self, axes: &[isize], keepdims: bool) -> Tensor {
        self.function(&[], |graph, x| functions::mean_square(graph, x[0], axes, keepdims, ""))
    }

    /// The variance over axes: the sum of squared deviations by their number less `ddof`.
    #[must_use]
    pub fn var(&self, axes: &[isize], ddof: usize, keepdims: bool) -> Tensor {
        self.function(&[], |graph, x| functions::var(graph, x[0], axes, ddof, keepdims, ""))
    }

    /// The root of the variance.
    #[must_use]
    pub fn std(&self, axes: &[isize], ddof: usize, keepdims: bool) -> Tensor {
        self.function(&[], |graph, x| functions::std(graph, x[0], axes, ddof, keepdims, ""))
    }

    /// A norm of the vectors along axes taken together.
    #[must_use]
    pub fn norm(&self, p: Norm, axes: &[isize], keepdims: bool) -> Tensor {
        self.function(&[], |graph, x| functions::norm(graph, x[0], p, axes, keepdims, ""))
    }

    /// x / √(Σ x² + ε) along an axis.
    #[must_use]
    pub fn unit_vectors(&self, axis: isize, epsilon: f64) -> Tensor {
        self.function(&[], |graph, x| functions::unit_vectors(graph, x[0], axis, epsilon, ""))
    }

    /// The cosine of the angle to the other's vectors along an axis; ε is added to the sums of squares.
    #[must_use]
    pub fn cosine_similarity(&self, other: &Tensor, axis: isize, epsilon: f64) -> Tensor {
        self.function(&[other], |graph, x| functions::cosine_similarity(graph, x[0], x[1], axis, epsilon, ""))
    }

    /// (x - mean) / √(variance + ε) over axes, times γ and plus β, which broadcast.
    #[must_use]
    pub fn layer_norm(
        &self,
        axes: &[isize],
        gamma: Option<&Tensor>,
        beta: Option<&Tensor>,
        epsilon: f64,
    ) -> Tensor {
        self.normalized(gamma, beta, |graph, x, gamma, beta| {
            functions::layer_norm(graph, x, axes, gamma, beta, epsilon, "")
        })
    }

    /// x / √(mean of x² + ε) over axes, times γ, which broadcasts.
    #[must_use]
    pub fn rms_norm(&self, axes: &[isize], gamma: Option<&Tensor>, epsilon: f64) -> Tensor {
        self.normalized(gamma, None, |graph, x, gamma, _| {
            functions::rms_norm(graph, x, axes, gamma, epsilon, "")
        })
    }

    /// The layer norm of (n, c, ...) over groups of channels, times γ and plus β, each (c).
    #[must_use]
    pub fn group_norm(
        &self,
        groups: usize,
        gamma: Option<&Tensor>,
        beta: Option<&Tensor>,
        epsilon: f64,
    ) -> Tensor {
        self.normalized(gamma, beta, |graph, x, gamma, beta| {
            functions::group_norm(graph, x, groups, gamma, beta, epsilon, "")
        })
    }

    /// The layer norm of each channel of (n, c, ...), times γ and plus β, each (c).
    #[must_use]
    pub fn instance_norm(&self, gamma: Option<&Tensor>, beta: Option<&Tensor>, epsilon: f64) -> Tensor {
        self.normalized(gamma, beta, |graph, x, gamma, beta| {
            functions::instance_norm(graph, x, gamma, beta, epsilon, "")
        })
    }

    /// What training makes of (n, c, ...) by the batch's own mean and variance by channel, times γ and plus β, each (c); and
    /// these two.
    #[must_use]
    pub fn batch_norm_training(
        &self,
        gamma: Option<&Tensor>,
        beta: Option<&Tensor>,
        epsilon: f64,
    ) -> [Tensor; 3] {
        let [gamma_at, beta_at] = places(gamma, beta);
        let results = self.functions(&[gamma, beta].into_iter().flatten().collect::<Vec<_>>(), |graph, x| {
            let (gamma, beta) = (gamma_at.map(|at| x[at]), beta_at.map(|at| x[at]));
            functions::batch_norm_training(graph, x[0], gamma, beta, epsilon, "").map(Vec::from)
        });
        results.try_into().unwrap_or_else(|_| unreachable!("a batch norm has three results"))
    }

    /// A normalisation in the graph, with γ and β if there are any.
    fn normalized(
        &self,
        gamma: Option<&Tensor>,
        beta: Option<&Tensor>,
        function: impl FnOnce(&mut Graph, NodeId, Option<NodeId>, Option<NodeId>) -> Result<NodeId, GraphError>,
    ) -> Tensor {
        let [gamma_at, beta_at] = places(gamma, beta);
        self.function(&[gamma, beta].into_iter().flatten().collect::<Vec<_>>(), |graph, x| {
            function(graph, x[0], gamma_at.map(|at| x[at]), beta_at.map(|at| x[at]))
        })
    }
}
