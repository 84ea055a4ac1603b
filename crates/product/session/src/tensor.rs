//! Lazy tensors: names for nodes of a session's graph.

mod elementwise;
mod gradient;
mod linear;
mod movement;
mod normal;

pub use gradient::Gradients;

use std::ops::{Add, Div, Mul, Neg, Sub};
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

    /// A public number of this tensor's kind, or fixed.
    fn number(&self, value: f64) -> Tensor {
        let integer = self.dtype() == DType::Int && value.fract() == 0.0;
        self.function(&[], |graph, _| {
            let number = graph.add(ops::Constant { shape: vec![], value }, &[], "")?;
            match integer {
                true => graph.add(ops::Cast { to: DType::Int, rounding: ToWhole::Floor }, &[number], ""),
                false => Ok(number),
            }
        })
    }

    /// This tensor, and the number as one that fits it: integers with a fraction are fixed point from here on.
    fn with_number(&self, value: f64) -> (Tensor, Tensor) {
        match self.dtype() == DType::Int && value.fract() != 0.0 {
            true => (self.to_fixed(), self.number(value)),
            false => (self.clone(), self.number(value)),
        }
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

    /// Whether each element is below the other's: bits.
    #[must_use]
    pub fn less(&self, other: &Tensor) -> Tensor {
        self.op(ops::Less {}, &[other])
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

    /// Whether each element equals the other's: bits. Of any kind.
    #[must_use]
    pub fn equal(&self, other: &Tensor) -> Tensor {
        self.op(ops::Equal {}, &[other])
    }

    /// Whether each element differs from the other's: bits. Of any kind.
    #[must_use]
    pub fn not_equal(&self, other: &Tensor) -> Tensor {
        self.op(ops::NotEqual {}, &[other])
    }

    /// Whether each element is not above the other's: bits.
    #[must_use]
    pub fn less_equal(&self, other: &Tensor) -> Tensor {
        self.op(ops::LessEqual {}, &[other])
    }

    /// Whether each element is above the other's: bits.
    #[must_use]
    pub fn greater(&self, other: &Tensor) -> Tensor {
        self.op(ops::Greater {}, &[other])
    }

    /// Whether each element is not below the other's: bits.
    #[must_use]
    pub fn greater_equal(&self, other: &Tensor) -> Tensor {
        self.op(ops::GreaterEqual {}, &[other])
    }

    /// Whether both bits are 1.
    #[must_use]
    pub fn and(&self, other: &Tensor) -> Tensor {
        self.op(ops::And {}, &[other])
    }

    /// Whether one of two bits is 1, or both.
    #[must_use]
    pub fn or(&self, other: &Tensor) -> Tensor {
        self.op(ops::Or {}, &[other])
    }

    /// Whether two bits differ.
    #[must_use]
    pub fn xor(&self, other: &Tensor) -> Tensor {
        self.op(ops::Xor {}, &[other])
    }

    /// The other bit: `1 - x`. (Not the operator `!`, which would suggest bits of integers.)
    #[must_use]
    #[allow(clippy::should_implement_trait)]
    pub fn not(&self) -> Tensor {
        self.op(ops::Not {}, &[])
    }

    /// Whether one of the bits over axes is 1.
    #[must_use]
    pub fn any(&self, axes: &[isize]) -> Tensor {
        let axes = self.axes(axes);
        self.op(ops::Any { axes, keepdims: false }, &[])
    }

    /// Whether all bits over axes are 1.
    #[must_use]
    pub fn all(&self, axes: &[isize]) -> Tensor {
        let axes = self.axes(axes);
        self.op(ops::All { axes, keepdims: false }, &[])
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

    /// Whether each number is not zero: bits.
    #[must_use]
    pub fn to_bits(&self) -> Tensor {
        self.op(ops::Cast { to: DType::Bit, rounding: ToWhole::Floor }, &[])
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

    /// Each element 0 with this probability, and the others divided by that of being kept; nobody knows which are. Drawn anew
    /// in every evaluation.
    ///
    /// # Panics
    /// If it is no probability below 1.
    #[must_use]
    pub fn dropout(&self, probability: f64) -> Tensor {
        self.function(&[], |graph, x| functions::dropout(graph, x[0], probability, ""))
    }

    /// Where this tensor of bits is one `a`, elsewhere `b`.
    #[must_use]
    pub fn select(&self, a: &Tensor, b: &Tensor) -> Tensor {
        self.op(ops::Select {}, &[a, b])
    }
}

/// `a op b` for tensors and numbers, by value and by reference.
macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl $trait<&Tensor> for &Tensor {
            type Output = Tensor;

            fn $method(self, other: &Tensor) -> Tensor {
                self.op(ops::$trait {}, &[other])
            }
        }

        impl $trait for Tensor {
            type Output = Tensor;

            fn $method(self, other: Tensor) -> Tensor {
                (&self).$method(&other)
            }
        }

        impl $trait<&Tensor> for Tensor {
            type Output = Tensor;

            fn $method(self, other: &Tensor) -> Tensor {
                (&self).$method(other)
            }
        }

        impl $trait<Tensor> for &Tensor {
            type Output = Tensor;

            fn $method(self, other: Tensor) -> Tensor {
                self.$method(&other)
            }
        }

        impl $trait<f64> for &Tensor {
            type Output = Tensor;

            fn $method(self, number: f64) -> Tensor {
                let (tensor, number) = self.with_number(number);
                tensor.$method(number)
            }
        }

        impl $trait<f64> for Tensor {
            type Output = Tensor;

            fn $method(self, number: f64) -> Tensor {
                (&self).$method(number)
            }
        }

        impl $trait<&Tensor> for f64 {
            type Output = Tensor;

            fn $method(self, tensor: &Tensor) -> Tensor {
                let (tensor, number) = tensor.with_number(self);
                number.$method(tensor)
            }
        }

        impl $trait<Tensor> for f64 {
            type Output = Tensor;

            fn $method(self, tensor: Tensor) -> Tensor {
                self.$method(&tensor)
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl Neg for &Tensor {
    type Output = Tensor;

    fn neg(self) -> Tensor {
        self.op(ops::Neg {}, &[])
    }
}

impl Neg for Tensor {
    type Output = Tensor;

    fn neg(self) -> Tensor {
        -&self
    }
}
