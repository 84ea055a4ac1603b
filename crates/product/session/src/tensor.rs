//! Lazy tensors: names for nodes of a session's graph.

mod elementwise;
mod gradient;
mod linear;
mod logic;
mod movement;
mod normal;
mod operators;
mod order;

pub use gradient::Gradients;

use std::sync::Arc;

use tacita_graph::ops::ToWhole;
use tacita_graph::{DType, Graph, GraphError, NodeId, Op, Visibility, functions, ops};

use crate::error::Error;
use crate::workspace::Handle;

/// A value that will be computed when something that depends on it is revealed. It may be sent to other threads.
///
/// A secret tensor that was computed stays with the parties in shares as long as the program holds it or a clone: nothing is
/// computed or drawn twice. What the program drops is forgotten.
///
/// # Panics
/// The methods that return a `Tensor` panic on shapes that do not fit, with both shapes, as `ndarray`'s do: that is a programming
/// error. [`Tensor::apply`] and [`Tensor::build`] are the forms of every operation and function that return an error instead.
#[derive(Clone)]
pub struct Tensor(Arc<Handle>);

/// Shape, type and who may know it: no value, and never a computation.
impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.0.workspace().lock();
        let node = state.graph.node(self.0.id(&state));
        let visibility = match node.ty.visibility {
            Visibility::Public => "public".to_owned(),
            Visibility::Private(owner) => format!("private to {}", state.graph.owners()[owner.0 as usize]),
            Visibility::Secret => "secret".to_owned(),
        };
        write!(f, "Tensor({:?}, {}, {visibility})", node.ty.shape, node.ty.dtype)
    }
}

impl Tensor {
    pub(crate) fn new(handle: Arc<Handle>) -> Tensor {
        Tensor(handle)
    }

    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.0
    }

    /// The shape.
    pub fn shape(&self) -> Vec<usize> {
        let state = self.0.workspace().lock();
        state.graph.node(self.0.id(&state)).ty.shape.clone()
    }

    /// The kind of its numbers.
    pub fn dtype(&self) -> DType {
        let state = self.0.workspace().lock();
        state.graph.node(self.0.id(&state)).ty.dtype
    }

    /// The member that alone knows the value; `None` if all know it, or nobody does.
    pub fn owner(&self) -> Option<String> {
        let state = self.0.workspace().lock();
        match state.graph.node(self.0.id(&state)).ty.visibility {
            Visibility::Private(owner) => Some(state.graph.owners()[owner.0 as usize].clone()),
            Visibility::Public | Visibility::Secret => None,
        }
    }

    /// Whether nobody knows the value.
    pub fn is_secret(&self) -> bool {
        let state = self.0.workspace().lock();
        state.graph.node(self.0.id(&state)).ty.visibility == Visibility::Secret
    }

    /// Whether the value is kept in shares: it was computed, and is not computed again.
    pub fn is_kept(&self) -> bool {
        let state = self.0.workspace().lock();
        state.slots.contains_key(&self.0.id(&state))
    }

    /// The result of an operation on this tensor and others.
    ///
    /// # Errors
    /// If shapes or kinds do not fit; the error names both.
    pub fn apply(&self, op: impl Into<Op>, others: &[&Tensor]) -> Result<Tensor, Error> {
        self.build(others, |graph, inputs| Ok(vec![graph.add(op, inputs, "")?])).map(|mut all| all.remove(0))
    }

    /// The results of whatever `build` adds to the graph, given the nodes of this tensor and the others: any function of
    /// `tacita::graph`, or a whole graph by [`Graph::append`].
    ///
    /// # Errors
    /// Those of `build`, and if a tensor is of another session.
    pub fn build(
        &self,
        others: &[&Tensor],
        build: impl FnOnce(&mut Graph, &[NodeId]) -> Result<Vec<NodeId>, GraphError>,
    ) -> Result<Vec<Tensor>, Error> {
        let inputs: Vec<&Tensor> = [self].into_iter().chain(others.iter().copied()).collect();
        self.0.workspace().apply(&inputs, build)
    }

    fn op(&self, op: impl Into<Op>, others: &[&Tensor]) -> Tensor {
        self.apply(op, others).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The result of a function of this tensor and others.
    fn function(
        &self,
        others: &[&Tensor],
        function: impl FnOnce(&mut Graph, &[NodeId]) -> Result<NodeId, GraphError>,
    ) -> Tensor {
        self.functions(others, |graph, inputs| function(graph, inputs).map(|id| vec![id])).remove(0)
    }

    /// The same for a function of several results.
    fn functions(
        &self,
        others: &[&Tensor],
        function: impl FnOnce(&mut Graph, &[NodeId]) -> Result<Vec<NodeId>, GraphError>,
    ) -> Vec<Tensor> {
        self.build(others, function).unwrap_or_else(|error| panic!("{error}"))
    }

    /// An axis counted from the end if negative.
    fn axis(&self, axis: isize) -> usize {
        let rank = self.shape().len() as isize;
        assert!((-rank..rank).contains(&axis), "axis {axis} of a tensor of {rank} axes");
        axis.rem_euclid(rank) as usize
    }

    /// The matrix product as NumPy has it, with leading axes broadcast; vectors are rows on the left, columns on the right.
    #[must_use]
    pub fn matmul(&self, other: &Tensor) -> Tensor {
        self.function(&[other], |graph, x| functions::mat_mul(graph, x[0], x[1], ""))
    }

    /// max(x, 0).
    #[must_use]
    pub fn relu(&self) -> Tensor {
        self.op(ops::Relu {}, &[])
    }

    /// The sum over axes, each named once.
    #[must_use]
    pub fn sum(&self, axes: &[isize]) -> Tensor {
        let axes = self.axes(axes);
        self.op(ops::Sum { axes, keepdims: false }, &[])
    }

    /// The mean over axes.
    #[must_use]
    pub fn mean(&self, axes: &[isize]) -> Tensor {
        let axes = self.axes(axes);
        self.op(ops::Mean { axes, keepdims: false }, &[])
    }

    /// Axes in ascending order, each once.
    fn axes(&self, axes: &[isize]) -> Vec<usize> {
        let mut sorted: Vec<usize> = axes.iter().map(|&axis| self.axis(axis)).collect();
        sorted.sort_unstable();
        assert!(
            sorted.is_sorted_by(|a, b| a < b),
            "axes {axes:?} of a tensor of {:?} name one twice",
            self.shape()
        );
        sorted
    }

    /// The same elements in another shape.
    #[must_use]
    pub fn reshape(&self, shape: &[usize]) -> Tensor {
        self.op(ops::Reshape { shape: tacita_graph::dims(shape) }, &[])
    }

    /// The axes in another order.
    #[must_use]
    pub fn transpose(&self, perm: &[usize]) -> Tensor {
        self.op(ops::Transpose { perm: perm.to_vec() }, &[])
    }

    /// The absolute value.
    #[must_use]
    pub fn abs(&self) -> Tensor {
        self.op(ops::Abs {}, &[])
    }

    /// 1, 0 or -1, as the number is above, at or below zero.
    #[must_use]
    pub fn sign(&self) -> Tensor {
        self.op(ops::Sign {}, &[])
    }

    /// The largest integer that is not above.
    #[must_use]
    pub fn floor(&self) -> Tensor {
        self.op(ops::Floor {}, &[])
    }

    /// The smallest integer that is not below.
    #[must_use]
    pub fn ceil(&self) -> Tensor {
        self.op(ops::Ceil {}, &[])
    }

    /// The nearest integer, the even one of two, as NumPy does.
    #[must_use]
    pub fn round(&self) -> Tensor {
        self.op(ops::Round {}, &[])
    }

    /// The same numbers as fixed point. Integers must be representable at the session's precision.
    #[must_use]
    pub fn to_fixed(&self) -> Tensor {
        self.op(ops::Cast { to: DType::Fixed, rounding: ToWhole::Floor }, &[])
    }

    /// Integers, with the rounding that is given for fixed ones.
    #[must_use]
    pub fn to_whole(&self, rounding: ToWhole) -> Tensor {
        self.op(ops::Cast { to: DType::Int, rounding }, &[])
    }

    /// Each element 0 with this probability, and the others divided by that of being kept; nobody knows which are. Drawn anew
    /// in every evaluation.
    ///
    /// # Panics
    /// If it is no probability below 1.
    #[must_use]
    pub fn dropout(&self, probability: f64) -> Tensor {
        self.function(&[], |graph, x| functions::dropout(graph, x[0], probability, ""))
    }
}
