//! What a name of the ONNX graph stands for while the Tacita graph is built.

use std::sync::Arc;

use tacita_graph::NodeId;

use crate::error::{Fault, corrupt, refuse};
use crate::file::messages::Tensor;
use crate::file::tensor::is_integer;

/// The value of one name.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A node of the graph.
    Node(NodeId),
    /// A tensor of the file, not yet in the graph: it becomes a private input where an operator computes with it, or
    /// a public attribute where an operator needs to know it.
    Tensor(String, Arc<Tensor>),
    /// Integers computed from shapes.
    Sizes(Sizes),
    /// Real numbers computed from shapes.
    Reals(Reals),
    /// The result of a softmax. Ranking and the model's output do without it; what computes with it has it computed.
    Softmax(Softmax),
}

impl Value {
    /// Whether it is integers, which have no place in the graph: sizes, axes, indices.
    pub(crate) fn is_integers(&self) -> bool {
        match self {
            Value::Tensor(_, tensor) => is_integer(tensor.element),
            Value::Sizes(_) => true,
            Value::Node(_) | Value::Softmax(_) | Value::Reals(_) => false,
        }
    }
}

/// A softmax that is left out unless something computes with it.
#[derive(Clone, Debug)]
pub(crate) struct Softmax {
    /// What it is the softmax of.
    pub(crate) logits: NodeId,
    /// The axes over which it normalises.
    pub(crate) axes: Vec<usize>,
    /// Its node's name.
    pub(crate) node: String,
    /// `Softmax` or `LogSoftmax`.
    pub(crate) op: String,
}

/// A size, axis or index.
pub(crate) type Size = i64;

/// A scalar or a vector of sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) list: Vec<Size>,
    pub(crate) is_scalar: bool,
}

/// The longest vector; shapes have few axes, and repeated concatenation must not grow without bound.
const MAX_SIZES: usize = 1 << 10;

impl Sizes {
    /// A vector.
    pub(crate) fn vector(list: Vec<Size>) -> Result<Sizes, Fault> {
        if list.len() > MAX_SIZES {
            return refuse(format!("{} integers computed from shapes", list.len()));
        }
        Ok(Sizes { list, is_scalar: false })
    }

    /// Those of `a` where this is not 0, those of `b` elsewhere; a single element meets all of the others'.
    pub(crate) fn choose(&self, a: &Sizes, b: &Sizes) -> Result<Sizes, Fault> {
        let lists = [&self.list, &a.list, &b.list];
        let length = lists.iter().map(|list| list.len()).find(|&length| length != 1).unwrap_or(1);
        if lists.iter().any(|list| list.len() != 1 && list.len() != length) {
            return corrupt("integers in numbers that do not fit");
        }
        let at = |list: &[Size], index: usize| list[if list.len() == 1 { 0 } else { index }];
        let chosen = |index| at(if at(&self.list, index) == 0 { &b.list } else { &a.list }, index);
        let list = (0..length).map(chosen).collect();
        Ok(Sizes { list, is_scalar: self.is_scalar && a.is_scalar && b.is_scalar })
    }

    /// Applies `f` element by element; a single element meets all of the other side's.
    pub(crate) fn zip(&self, other: &Sizes, f: impl Fn(Size, Size) -> Option<Size>) -> Result<Sizes, Fault> {
        let length = match (self.list.len(), other.list.len()) {
            (a, b) if a == b => a,
            (1, b) => b,
            (a, 1) => a,
            (a, b) => return corrupt(format!("{a} and {b} integers do not fit")),
        };
        let at = |sizes: &Sizes, index: usize| sizes.list[if sizes.list.len() == 1 { 0 } else { index }];
        let list: Option<Vec<Size>> = (0..length).map(|index| f(at(self, index), at(other, index))).collect();
        match list {
            Some(list) => Ok(Sizes { list, is_scalar: self.is_scalar && other.is_scalar }),
            None => refuse("arithmetic on integers overflows, or divides by 0"),
        }
    }
}

/// A scalar or a vector of real numbers that follow from shapes, and so are public: the 1/√d of an attention.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reals {
    pub(crate) list: Vec<f64>,
    pub(crate) is_scalar: bool,
}

impl Reals {
    /// Applies `f` to each.
    pub(crate) fn map(mut self, f: impl Fn(f64) -> f64) -> Reals {
        self.list.iter_mut().for_each(|x| *x = f(*x));
        self
    }

    /// Applies `f` element by element; a single element meets all of the other side's.
    pub(crate) fn zip(&self, other: &Reals, f: impl Fn(f64, f64) -> f64) -> Result<Reals, Fault> {
        let length = match (self.list.len(), other.list.len()) {
            (a, b) if a == b => a,
            (1, b) => b,
            (a, 1) => a,
            (a, b) => return corrupt(format!("{a} and {b} numbers do not fit")),
        };
        let at = |reals: &Reals, index: usize| reals.list[if reals.list.len() == 1 { 0 } else { index }];
        let list = (0..length).map(|index| f(at(self, index), at(other, index))).collect();
        Ok(Reals { list, is_scalar: self.is_scalar && other.is_scalar })
    }

    /// The numbers as those of the file are.
    pub(crate) fn shape(&self) -> Vec<usize> {
        if self.is_scalar { Vec::new() } else { vec![self.list.len()] }
    }
}

/// An axis counted from the end if negative, below `rank`.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, Fault> {
    let positive = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    match positive.and_then(|axis| usize::try_from(axis).ok()) {
        Some(positive) if positive < rank => Ok(positive),
        _ => refuse(format!("axis {axis} of a tensor with {rank} axes")),
    }
}

/// Several axes, in ascending order, each once.
pub(crate) fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>, Fault> {
    let mut sorted = list.iter().map(|&entry| axis(entry, rank)).collect::<Result<Vec<_>, _>>()?;
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return refuse(format!("axes {list:?} name one twice"));
    }
    Ok(sorted)
}
