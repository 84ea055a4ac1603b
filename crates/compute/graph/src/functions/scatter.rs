use ndarray::ArrayD;
use tacita_program::NodeId;

use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Add, Concat, Maximum, Minimum, Mul, Op};
use crate::types::dims;

/// What becomes of an element at which an update arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The update replaces it, the last of several.
    Replace,
    /// The update is added.
    Add,
    /// It is multiplied by the update.
    Mul,
    /// The larger.
    Max,
    /// The smaller.
    Min,
}

impl Reduction {
    fn op(self) -> Option<Op> {
        Some(match self {
            Reduction::Replace => return None,
            Reduction::Add => Add.into(),
            Reduction::Mul => Mul.into(),
            Reduction::Max => Maximum.into(),
            Reduction::Min => Minimum.into(),
        })
    }
}

/// x with updates at public `indices` along `axis`, and at an update's own place along the other axes: ONNX's
/// `ScatterElements`. `updates` has the shape of the indices. Any kind; reductions want fixed.
///
/// # Errors
/// If shapes or kinds do not fit, an index is out of range.
pub fn scatter_elements(
    graph: &mut Graph,
    x: NodeId,
    indices: &ArrayD<i64>,
    updates: NodeId,
    axis: isize,
    reduction: Reduction,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "ScatterElements", name);
    let axis = b.axis(x, axis)?;
    let sizes = b.shape(x);
    let places = b.places_along(&sizes, indices, axis)?;
    b.scatter(x, &places, updates, indices.shape(), sizes.len(), reduction)
}

/// x with updates at the parts that public `indices` (..., k) name by its first k axes: ONNX's `ScatterND`. `updates`
/// has the indices' shape without the last axis, then x's other axes. Any kind; reductions want fixed.
///
/// # Errors
/// If shapes or kinds do not fit, an index is out of range.
pub fn scatter_nd(
    graph: &mut Graph,
    x: NodeId,
    indices: &ArrayD<i64>,
    updates: NodeId,
    reduction: Reduction,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "ScatterND", name);
    let sizes = b.shape(x);
    let places = b.places_of_parts(&sizes, indices, 0)?;
    let (&named, lead) = indices.shape().split_last().expect("their places are found");
    b.scatter(x, &places, updates, &[lead, &sizes[named..]].concat(), named, reduction)
}

impl Build<'_> {
    /// x with `updates`, of shape `expected`, at `places` among the parts of its first `named` axes.
    ///
    /// Where elements get several updates, one of each joins at a time.
    fn scatter(
        &mut self,
        x: NodeId,
        places: &[usize],
        updates: NodeId,
        expected: &[usize],
        named: usize,
        reduction: Reduction,
    ) -> Result<NodeId, GraphError> {
        let sizes = self.shape(x);
        if self.shape(updates) != expected {
            return self.refuse(format!("updates of {:?}, where {expected:?} fits", self.shape(updates)));
        }
        let (lead, part) = sizes.split_at(named);
        let parts = self.checked_length(lead.iter().product(), 1)?;
        let mut result = self.reshape(x, dims(&[&[parts], part].concat()))?;
        let updates = self.reshape(updates, dims(&[&[places.len()], part].concat()))?;
        let Some(op) = reduction.op() else {
            result = self.replace(result, places, updates)?;
            return self.reshape(result, dims(&sizes));
        };
        let mut left: Vec<usize> = (0..places.len()).collect();
        while !left.is_empty() {
            let mut taken = vec![false; parts];
            let (now, later): (Vec<usize>, Vec<usize>) =
                left.into_iter().partition(|&update| !std::mem::replace(&mut taken[places[update]], true));
            let at: Vec<usize> = now.iter().map(|&update| places[update]).collect();
            let old = self.gather(result, 0, at.iter().copied().map(Some))?;
            let new = self.gather(updates, 0, now.into_iter().map(Some))?;
            let joined = self.add(op.clone(), &[old, new])?;
            result = self.replace(result, &at, joined)?;
            left = later;
        }
        self.reshape(result, dims(&sizes))
    }

    /// The rows of x, those at `places` replaced by those of `updates`.
    fn replace(&mut self, x: NodeId, places: &[usize], updates: NodeId) -> Result<NodeId, GraphError> {
        let rows = self.size(x, 0);
        let mut from: Vec<usize> = (0..rows).collect();
        for (update, &place) in places.iter().enumerate() {
            from[place] = rows + update;
        }
        let both = self.add(Concat { axis: 0 }, &[x, updates])?;
        self.gather(both, 0, from.into_iter().map(Some))
    }
}
