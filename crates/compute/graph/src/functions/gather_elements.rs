use ndarray::ArrayD;
use tacita_program::NodeId;

use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::types::dims;

/// For each element of public `indices` the element of x that is there along `axis`, at the same place along the other
/// axes: PyTorch's `gather`, ONNX's `GatherElements`. Other axes may be shorter than x's. Any kind.
///
/// # Errors
/// If the ranks differ, an axis of the indices is longer than x's, or an index is out of range.
pub fn gather_elements(
    graph: &mut Graph,
    x: NodeId,
    indices: &ArrayD<i64>,
    axis: isize,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "GatherElements", name);
    let axis = b.axis(x, axis)?;
    let sizes = b.shape(x);
    let places = b.places_along(&sizes, indices, axis)?;
    let flat = b.reshape(x, dims(&[sizes.iter().product()]))?;
    let picked = b.gather(flat, 0, places.into_iter().map(Some))?;
    b.reshape(picked, dims(indices.shape()))
}

impl Build<'_> {
    /// For each of the indices along `axis` the place among the elements, row-major, of a value of these sizes.
    pub(super) fn places_along(
        &self,
        sizes: &[usize],
        indices: &ArrayD<i64>,
        axis: usize,
    ) -> Result<Vec<usize>, GraphError> {
        let fits = indices.ndim() == sizes.len()
            && (0..sizes.len()).all(|i| i == axis || indices.shape()[i] <= sizes[i]);
        if !fits {
            return self.refuse(format!("indices of shape {:?} for a value of {sizes:?}", indices.shape()));
        }
        let place = |(at, &index): (ndarray::IxDyn, &i64)| {
            let index = self.index(index, sizes[axis])?;
            let at = |i: usize| if i == axis { index } else { at[i] };
            Ok((0..sizes.len()).fold(0, |place, i| place * sizes[i] + at(i)))
        };
        indices.indexed_iter().map(place).collect()
    }
}
