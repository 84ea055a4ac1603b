use ndarray::ArrayD;
use tacita_program::NodeId;

use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::types::dims;

/// The parts of x that public `indices` (..., k) name by the first k axes after the first `batch_dims`, which both
/// have: ONNX's `GatherND`. The result has the indices' shape without the last axis, then x's other axes. Any kind.
///
/// # Errors
/// If the shapes do not fit, or an index is out of range.
pub fn gather_nd(
    graph: &mut Graph,
    x: NodeId,
    indices: &ArrayD<i64>,
    batch_dims: usize,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "GatherND", name);
    let sizes = b.shape(x);
    let places = b.places_of_parts(&sizes, indices, batch_dims)?;
    let named = batch_dims + indices.shape()[indices.ndim() - 1];
    let (lead, part) = sizes.split_at(named);
    let rows = b.reshape(x, dims(&[&[lead.iter().product()], part].concat()))?;
    let picked = b.gather(rows, 0, places.into_iter().map(Some))?;
    b.reshape(picked, dims(&[&indices.shape()[..indices.ndim() - 1], part].concat()))
}

impl Build<'_> {
    /// For each tuple along the last axis of the indices the place among the parts that it names, row-major.
    pub(super) fn places_of_parts(
        &self,
        sizes: &[usize],
        indices: &ArrayD<i64>,
        batch_dims: usize,
    ) -> Result<Vec<usize>, GraphError> {
        let misfit = || {
            let shape = indices.shape();
            self.refuse(format!("indices of shape {shape:?}, {batch_dims} axes shared, for {sizes:?}"))
        };
        let Some((&length, lead)) = indices.shape().split_last() else { return misfit() };
        let shared = batch_dims <= lead.len() && sizes.get(..batch_dims) == Some(&lead[..batch_dims]);
        if !shared || length == 0 || batch_dims + length > sizes.len() {
            return misfit();
        }
        let flat = indices.as_standard_layout();
        let tuples = flat.as_slice().unwrap_or_default().chunks_exact(length);
        let after: usize = lead[batch_dims..].iter().product();
        let place = |(number, tuple): (usize, &[i64])| {
            tuple.iter().zip(&sizes[batch_dims..]).try_fold(number / after, |place, (&index, &size)| {
                Ok(place * size + self.index(index, size)?)
            })
        };
        tuples.enumerate().map(place).collect()
    }
}
