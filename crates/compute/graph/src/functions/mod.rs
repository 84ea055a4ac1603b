//! Functions composed of operations: each adds nodes to a graph and names the one that is its value.
//!
//! Nothing here has a protocol, a range or an error bound of its own: all follow from the operations. Axes may be
//! negative and then count from the end, as in NumPy. Errors name the function and the node's name given.

mod adaptive_pool;
mod average_pool;
mod conv;
mod conv_transpose;
mod cum_prod;
mod diagonal;
mod draw;
mod einsum;
mod elu;
mod flip;
mod gather_elements;
mod gather_nd;
mod global_max_pool;
mod group_norm;
mod hard;
mod layer_norm;
mod leaky_relu;
mod log1p;
mod log_sigmoid;
mod mat_mul;
mod max_pool;
mod mish;
mod moments;
mod norm;
mod outer;
mod pad;
mod power;
mod prod;
mod repeat;
mod resize;
mod roll;
mod scatter;
mod slice;
mod softmax;
mod softsign;
mod space_to_depth;
mod split;
mod squeeze;
mod stack;
mod take;
mod tile;
mod triangle;

pub use adaptive_pool::{adaptive_average_pool, adaptive_max_pool};
pub use average_pool::average_pool;
pub use conv::conv;
pub use conv_transpose::{ConvTranspose, conv_transpose};
pub use cum_prod::cum_prod;
pub use diagonal::{diag, diagonal};
pub use draw::{bernoulli, dropout, dropout_and_mask, normal, uniform};
pub use einsum::einsum;
pub use elu::{celu, elu, selu};
pub use flip::flip;
pub use gather_elements::gather_elements;
pub use gather_nd::gather_nd;
pub use global_max_pool::global_max_pool;
pub use group_norm::{batch_norm_training, group_norm, instance_norm};
pub use hard::{hardsigmoid, hardswish, hardtanh, relu6};
pub use layer_norm::{layer_norm, rms_norm};
pub use leaky_relu::{leaky_relu, prelu, thresholded_relu};
pub use log_sigmoid::log_sigmoid;
pub use log1p::log1p;
pub use mat_mul::{dot, mat_mul};
pub use max_pool::max_pool;
pub use mish::mish;
pub use moments::{mean_square, std, var};
pub use norm::{Norm, cosine_similarity, norm, unit_vectors};
pub use outer::outer;
pub use pad::{PadMode, pad};
pub use power::{pow, pow_tensor, square};
pub use prod::prod;
pub use repeat::repeat;
pub use resize::{Coordinates, NearestMode, Resampling, Resize, resize};
pub use roll::roll;
pub use scatter::{Reduction, scatter_elements, scatter_nd};
pub use slice::{Range1, narrow, slice};
pub use softmax::{log_sum_exp, softmax};
pub use softsign::softsign;
pub use space_to_depth::{DepthOrder, depth_to_space, space_to_depth};
pub use split::{chunk, split};
pub use squeeze::{squeeze, unsqueeze};
pub use stack::{concat, stack};
pub use take::take;
pub use tile::tile;
pub use triangle::{tril, triu};

use crate::error::{GraphError, InferError};
use crate::graph::{Graph, MAX_LISTED};
use crate::ops::{Add, Combine, Constant, Expand, Gather, Mul, Op, Reshape, Transpose};
use crate::types::{dims, show};
use tacita_program::NodeId;

/// A function at work: the graph, and what its errors and nodes are called.
struct Build<'a> {
    graph: &'a mut Graph,
    function: &'static str,
    name: &'a str,
}

impl<'a> Build<'a> {
    fn new(graph: &'a mut Graph, function: &'static str, name: &'a str) -> Self {
        Build { graph, function, name }
    }

    fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        self.graph.add(op, inputs, self.name)
    }

    fn refuse<T>(&self, reason: impl Into<String>) -> Result<T, GraphError> {
        Err(GraphError::Invalid {
            node: self.name.to_owned(),
            op: self.function,
            source: InferError::Attribute(reason.into()),
        })
    }

    fn shape(&self, x: NodeId) -> Vec<usize> {
        self.graph.node(x).ty.shape.clone()
    }

    /// An axis, counted from the end if negative, among `rank`.
    fn axis_of(&self, axis: isize, rank: usize) -> Result<usize, GraphError> {
        let positive = if axis < 0 { axis.checked_add_unsigned(rank) } else { Some(axis) };
        match positive.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank) {
            Some(axis) => Ok(axis),
            None => self.refuse(format!("axis {axis} of a value with {rank} axes")),
        }
    }

    fn axis(&self, x: NodeId, axis: isize) -> Result<usize, GraphError> {
        self.axis_of(axis, self.graph.node(x).ty.rank())
    }

    /// Several axes in the order given, none twice.
    fn axes_of(&self, axes: &[isize], rank: usize) -> Result<Vec<usize>, GraphError> {
        let list = axes.iter().map(|&axis| self.axis_of(axis, rank)).collect::<Result<Vec<_>, _>>()?;
        match list.iter().enumerate().any(|(i, axis)| list[..i].contains(axis)) {
            true => self.refuse(format!("axes {axes:?} name one twice")),
            false => Ok(list),
        }
    }

    /// Several axes in ascending order, none twice.
    fn sorted_axes(&self, x: NodeId, axes: &[isize]) -> Result<Vec<usize>, GraphError> {
        let mut axes = self.axes(x, axes)?;
        axes.sort_unstable();
        Ok(axes)
    }

    fn axes(&self, x: NodeId, axes: &[isize]) -> Result<Vec<usize>, GraphError> {
        self.axes_of(axes, self.graph.node(x).ty.rank())
    }

    /// An axis' size.
    fn size(&self, x: NodeId, axis: usize) -> usize {
        self.graph.node(x).ty.shape[axis]
    }

    /// The index counted from the end if negative.
    fn index(&self, index: i64, size: usize) -> Result<usize, GraphError> {
        let positive = if index < 0 { index.checked_add_unsigned(size as u64) } else { Some(index) };
        match positive.and_then(|index| usize::try_from(index).ok()).filter(|&index| index < size) {
            Some(index) => Ok(index),
            None => self.refuse(format!("index {index} is out of range for an axis of {size}")),
        }
    }

    /// `size` times `times`, as the length of a list of indices.
    fn checked_length(&self, size: usize, times: usize) -> Result<usize, GraphError> {
        match size.checked_mul(times).filter(|&length| length <= MAX_LISTED) {
            Some(0) => self.refuse("nothing is left"),
            Some(length) => Ok(length),
            None => self.refuse(format!("{size} times {times} indices along one axis")),
        }
    }

    /// Refuses so many rows of so many terms before they are made.
    fn check_rows(&self, rows: usize, terms: usize) -> Result<(), GraphError> {
        match rows.checked_mul(Combine::row_words(terms)).is_some_and(|words| words <= MAX_LISTED) {
            true => Ok(()),
            false => self.refuse(format!("{rows} sums of {terms} elements along one axis")),
        }
    }

    /// A public number.
    fn constant(&mut self, value: f64) -> Result<NodeId, GraphError> {
        self.add(Constant { shape: Vec::new(), value }, &[])
    }

    /// x times a public number.
    fn scaled(&mut self, x: NodeId, factor: f64) -> Result<NodeId, GraphError> {
        if factor == 1.0 {
            return Ok(x);
        }
        let factor = self.constant(factor)?;
        self.add(Mul, &[x, factor])
    }

    /// x plus a public number.
    fn shifted(&mut self, x: NodeId, shift: f64) -> Result<NodeId, GraphError> {
        let shift = self.constant(shift)?;
        self.add(Add, &[x, shift])
    }

    fn reshape(&mut self, x: NodeId, shape: Vec<usize>) -> Result<NodeId, GraphError> {
        if self.shape(x) == shape {
            return Ok(x);
        }
        self.add(Reshape { shape }, &[x])
    }

    fn transpose(&mut self, x: NodeId, perm: Vec<usize>) -> Result<NodeId, GraphError> {
        if perm.is_sorted() {
            return Ok(x);
        }
        self.add(Transpose { perm }, &[x])
    }

    /// The elements at places along an axis, zeros where there is none; nothing is added where none moves.
    fn gather(
        &mut self,
        x: NodeId,
        axis: usize,
        places: impl IntoIterator<Item = Option<usize>>,
    ) -> Result<NodeId, GraphError> {
        let size = self.size(x, axis);
        let mut indices = Vec::new();
        for place in places {
            if indices.len() == MAX_LISTED {
                return self.refuse(format!("more than {MAX_LISTED} indices along one axis"));
            }
            indices.push(match place.map(u32::try_from) {
                None => Gather::ZERO,
                Some(Ok(index)) if index != Gather::ZERO => index,
                Some(_) => return self.refuse("an axis of 2^32 elements"),
            });
        }
        if indices.iter().map(|&index| index as usize).eq(0..size) {
            return Ok(x);
        }
        self.add(Gather { axis, indices }, &[x])
    }

    /// x with `times` copies along an axis: of the whole one after another, or of each element if `each`.
    fn copied(&mut self, x: NodeId, axis: usize, times: usize, each: bool) -> Result<NodeId, GraphError> {
        let size = self.size(x, axis);
        if times == 0 || size.checked_mul(times).is_none() {
            return self.refuse(format!("an axis of {size} taken {times} times"));
        }
        let shape = self.shape(x);
        let around = |sizes: &[usize]| [&shape[..axis], dims(sizes).as_slice(), &shape[axis + 1..]].concat();
        let (narrow, wide) = match (times, each) {
            (1, _) => return Ok(x),
            (_, true) => (around(&[size, 1]), around(&[size, times])),
            (_, false) => (around(&[1, size]), around(&[times, size])),
        };
        let narrow = self.reshape(x, narrow)?;
        let wide = self.add(Expand { shape: wide }, &[narrow])?;
        self.reshape(wide, around(&[size * times]))
    }

    /// The sizes of several axes as one.
    fn merged(&self, dims: &[usize]) -> Result<usize, GraphError> {
        match dims {
            [one] => Ok(*one),
            _ => {
                let size = dims.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
                match size {
                    Some(size) => Ok(size),
                    None => self.refuse(format!("axes {} cannot become one", show(dims))),
                }
            }
        }
    }
}
