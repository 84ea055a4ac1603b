//! Losses: how far what a network says is from what it should.

use tacita_graph::ops::{
    Abs, Cast, Clip, Log, LogSumExp, Mean, Mul, OneHot, Relu, Softplus, Sub, Sum, ToWhole,
};
use tacita_graph::{DType, Graph, GraphError, NodeId, functions};

use crate::public::{number, times};

/// What is made of the losses of all elements or samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
}

/// A loss of outputs x and targets t, as PyTorch defines the one of that name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// (x - t)².
    Mse(Reduction),
    /// |x - t|.
    L1(Reduction),
    /// (x - t)² / 2 up to a distance δ, δ (|x - t| - δ/2) beyond.
    Huber(f64, Reduction),
    /// -t ln x - (1 - t) ln (1 - x), of probabilities x from 2^-10 to 1 - 2^-10: nearer ones count as these.
    Bce(Reduction),
    /// The same of ln(x / (1 - x)): softplus(x) - t x. Its derivative is sigmoid(x) - t.
    BceWithLogits(Reduction),
    /// ln Σ e^x - Σ t x over the last axis. Targets are rows t that sum to 1, such as one-hot rows, or, of kind int and with an
    /// axis less, indices of classes. Its derivative is softmax(x) - t. Who knows indices makes rows of them for nothing; of
    /// those that nobody knows they are made here ([`OneHot`](tacita_graph::ops::OneHot)).
    CrossEntropy(Reduction),
    /// max(0, 1 - t x), t one of -1 and 1.
    Hinge(Reduction),
    /// 1 minus the cosine of the angle between rows, for targets that are like; 10^-3 is added to the sums of squares, so that
    /// a row of zeros has cosine 0.
    Cosine(Reduction),
    /// Σ t (ln t - x) of log-probabilities x, but for Σ t ln t, which no derivative has.
    KlDivergence(Reduction),
}

impl Loss {
    /// Adds the loss, one number.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn of(self, graph: &mut Graph, x: NodeId, t: NodeId) -> Result<NodeId, GraphError> {
        let name = "loss";
        let (each, reduction) = match self {
            Loss::Mse(reduction) => {
                let apart = graph.add(Sub, &[x, t], name)?;
                (graph.add(Mul, &[apart, apart], name)?, reduction)
            }
            Loss::L1(reduction) => {
                let apart = graph.add(Sub, &[x, t], name)?;
                (graph.add(Abs, &[apart], name)?, reduction)
            }
            Loss::Huber(delta, reduction) => {
                // with c the distance clipped to δ: c (d - c/2)
                let apart = graph.add(Sub, &[x, t], name)?;
                let near = graph.add(Clip { min: Some(-delta), max: Some(delta) }, &[apart], name)?;
                let half = times(graph, near, 0.5)?;
                let rest = graph.add(Sub, &[apart, half], name)?;
                (graph.add(Mul, &[near, rest], name)?, reduction)
            }
            Loss::Bce(reduction) => {
                let edge = 2f64.powi(-10);
                let p = graph.add(Clip { min: Some(edge), max: Some(1.0 - edge) }, &[x], name)?;
                let one = number(graph, 1.0)?;
                let q = graph.add(Sub, &[one, p], name)?;
                let (log_p, log_q) = (graph.add(Log, &[p], name)?, graph.add(Log, &[q], name)?);
                let odds = graph.add(Sub, &[log_q, log_p], name)?;
                let chosen = graph.add(Mul, &[t, odds], name)?;
                (graph.add(Sub, &[chosen, log_q], name)?, reduction)
            }
            Loss::BceWithLogits(reduction) => {
                let soft = graph.add(Softplus, &[x], name)?;
                let chosen = graph.add(Mul, &[t, x], name)?;
                (graph.add(Sub, &[soft, chosen], name)?, reduction)
            }
            Loss::CrossEntropy(reduction) => {
                let axis = graph.node(x).ty.rank().saturating_sub(1);
                let t = rows(graph, x, t)?;
                let normal = graph.add(LogSumExp { axis, keepdims: false }, &[x], name)?;
                let chosen = graph.add(Mul, &[t, x], name)?;
                let chosen = graph.add(Sum { axes: vec![axis], keepdims: false }, &[chosen], name)?;
                (graph.add(Sub, &[normal, chosen], name)?, reduction)
            }
            Loss::Hinge(reduction) => {
                let along = graph.add(Mul, &[t, x], name)?;
                let one = number(graph, 1.0)?;
                let margin = graph.add(Sub, &[one, along], name)?;
                (graph.add(Relu, &[margin], name)?, reduction)
            }
            Loss::Cosine(reduction) => {
                let cosine = functions::cosine_similarity(graph, x, t, -1, 1e-3, name)?;
                let one = number(graph, 1.0)?;
                (graph.add(Sub, &[one, cosine], name)?, reduction)
            }
            Loss::KlDivergence(reduction) => {
                let along = graph.add(Mul, &[t, x], name)?;
                (times(graph, along, -1.0)?, reduction)
            }
        };
        let rank = graph.node(each).ty.rank();
        let axes: Vec<usize> = (0..rank).collect();
        match reduction {
            _ if rank == 0 => Ok(each),
            Reduction::Mean => graph.add(Mean { axes, keepdims: false }, &[each], name),
            Reduction::Sum => graph.add(Sum { axes, keepdims: false }, &[each], name),
        }
    }
}

/// Targets of classes as rows: one-hot rows of indices, or what is given.
fn rows(graph: &mut Graph, x: NodeId, t: NodeId) -> Result<NodeId, GraphError> {
    match (graph.node(t).ty.dtype, graph.node(x).ty.shape.last()) {
        (DType::Int, Some(&depth)) => {
            let hot = graph.add(OneHot { depth }, &[t], "targets")?;
            graph.add(Cast { to: DType::Fixed, rounding: ToWhole::Nearest }, &[hot], "targets")
        }
        _ => Ok(t),
    }
}
