//! Lazy tensors: names for nodes of a session's graph.

mod elementwise;
mod linear;
mod movement;
mod normal;

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::rc::Rc;

use tacita_graph::{Graph, GraphError, Inputs, NodeId, Op, Visibility, functions, ops};

/// What the tensors of a session share with it: the graph they are nodes of, and the values of its inputs.
#[derive(Default)]
pub(crate) struct Workspace {
    pub graph: RefCell<Graph>,
    pub inputs: RefCell<Inputs>,
}

pub(crate) type Shared = Rc<Workspace>;

/// A value that will be computed when something that depends on it is revealed.
///
/// # Panics
/// Operations panic on shapes that do not fit, with both shapes, as `ndarray`'s do: that is a programming error.
#[derive(Clone)]
pub struct Tensor {
    workspace: Shared,
    id: NodeId,
}

impl Tensor {
    pub(crate) fn new(workspace: &Shared, id: NodeId) -> Tensor {
        Tensor { workspace: workspace.clone(), id }
    }

    pub(crate) fn workspace(&self) -> &Shared {
        &self.workspace
    }

    /// The node in the session's graph.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The shape.
    pub fn shape(&self) -> Vec<usize> {
        self.workspace.graph.borrow().node(self.id).ty.sizes().unwrap_or_default()
    }

    /// Who may know the value.
    pub fn visibility(&self) -> Visibility {
        self.workspace.graph.borrow().node(self.id).ty.visibility
    }

    fn apply(&self, op: impl Into<Op>, others: &[&Tensor]) -> Tensor {
        self.function(others, |graph, inputs| graph.add(op, inputs, ""))
    }

    /// What a function adds to the graph, of this tensor and others.
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
        let mut inputs = vec![self.id];
        for other in others {
            assert!(
                Rc::ptr_eq(&self.workspace, &other.workspace),
                "tensors of two sessions cannot be combined"
            );
            inputs.push(other.id);
        }
        let results = function(&mut self.workspace.graph.borrow_mut(), &inputs);
        let results = results.unwrap_or_else(|error| panic!("{error}"));
        results.into_iter().map(|id| Tensor::new(&self.workspace, id)).collect()
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
        self.apply(ops::Relu {}, &[])
    }

    /// The sum over axes.
    #[must_use]
    pub fn sum(&self, axes: &[isize]) -> Tensor {
        let axes = self.axes(axes);
        self.apply(ops::Sum { axes, keepdims: false }, &[])
    }

    /// The mean over axes.
    #[must_use]
    pub fn mean(&self, axes: &[isize]) -> Tensor {
        let axes = self.axes(axes);
        self.apply(ops::Mean { axes, keepdims: false }, &[])
    }

    fn axes(&self, axes: &[isize]) -> Vec<usize> {
        let mut axes: Vec<usize> = axes.iter().map(|&axis| self.axis(axis)).collect();
        axes.sort_unstable();
        axes.dedup();
        axes
    }

    /// The largest element along an axis.
    #[must_use]
    pub fn max(&self, axis: isize) -> Tensor {
        self.apply(ops::Max { axis: self.axis(axis), keepdims: false }, &[])
    }

    /// The index of the largest element along an axis, the lowest of equals.
    #[must_use]
    pub fn argmax(&self, axis: isize) -> Tensor {
        self.apply(ops::ArgMax { axis: self.axis(axis), keepdims: false }, &[])
    }

    /// The same elements in another shape.
    #[must_use]
    pub fn reshape(&self, shape: &[usize]) -> Tensor {
        self.apply(ops::Reshape { shape: tacita_graph::dims(shape) }, &[])
    }

    /// The axes in another order.
    #[must_use]
    pub fn transpose(&self, perm: &[usize]) -> Tensor {
        self.apply(ops::Transpose { perm: perm.to_vec() }, &[])
    }

    /// Whether each element is below the other's: bits.
    #[must_use]
    pub fn less(&self, other: &Tensor) -> Tensor {
        self.apply(ops::Less {}, &[other])
    }

    /// The larger of each two elements.
    #[must_use]
    pub fn maximum(&self, other: &Tensor) -> Tensor {
        self.apply(ops::Maximum {}, &[other])
    }

    /// The smaller of each two elements.
    #[must_use]
    pub fn minimum(&self, other: &Tensor) -> Tensor {
        self.apply(ops::Minimum {}, &[other])
    }

    /// Where this tensor of bits is one `a`, elsewhere `b`.
    #[must_use]
    pub fn select(&self, a: &Tensor, b: &Tensor) -> Tensor {
        self.apply(ops::Select {}, &[a, b])
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $op:ident) => {
        impl $trait<&Tensor> for &Tensor {
            type Output = Tensor;

            fn $method(self, other: &Tensor) -> Tensor {
                self.apply(ops::$op {}, &[other])
            }
        }

        impl $trait for Tensor {
            type Output = Tensor;

            fn $method(self, other: Tensor) -> Tensor {
                self.apply(ops::$op {}, &[&other])
            }
        }
    };
}

operator!(Add, add, Add);
operator!(Sub, sub, Sub);
operator!(Mul, mul, Mul);
operator!(Div, div, Div);

impl Neg for &Tensor {
    type Output = Tensor;

    fn neg(self) -> Tensor {
        self.apply(ops::Neg {}, &[])
    }
}
