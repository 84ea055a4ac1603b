use super::Build;
use crate::error::GraphError;
use crate::graph::{Graph, NodeId};
use crate::ops::MaxPool;
use crate::types::Dim;

/// The maximum over a sliding window of x `(n, c, spatial...)`: [`MaxPool`] of one or two spatial axes; of three that of the
/// last two, then of the first, whose maximum it is. Fixed.
///
/// # Errors
/// If shape or attributes do not fit, or a window would lie on padding alone.
pub fn max_pool(graph: &mut Graph, x: NodeId, op: &MaxPool, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "MaxPool", name);
    let shape = b.shape(x);
    let lists = [&op.kernel, &op.stride, &op.pads_begin, &op.pads_end, &op.dilation];
    if op.kernel.len() != 3 {
        return b.add(op.clone(), &[x]);
    }
    let &[batch, Dim::Known(channels), Dim::Known(depth), height, width] = shape.as_slice() else {
        return b.refuse("windows over three axes need batch, channels, depth, height, width");
    };
    if lists.iter().any(|list| list.len() != 3) {
        return b.refuse("windows over three axes need three numbers of each attribute");
    }
    let along = |axes: [Option<usize>; 2]| {
        let list =
            |list: &[usize], other: usize| axes.map(|axis| axis.map_or(other, |axis| list[axis])).to_vec();
        MaxPool {
            kernel: list(&op.kernel, 1),
            stride: list(&op.stride, 1),
            pads_begin: list(&op.pads_begin, 0),
            pads_end: list(&op.pads_end, 0),
            dilation: list(&op.dilation, 1),
            ceil_mode: op.ceil_mode,
        }
    };
    let planes = Dim::Known(channels * depth);
    let x = b.reshape(x, vec![batch, planes, height, width])?;
    let x = b.add(along([Some(1), Some(2)]), &[x])?;
    let [rows, columns] = [b.size(x, 2)?, b.size(x, 3)?];
    let pixels = Dim::Known(rows * columns);
    let x = b.reshape(x, vec![batch, shape[1], shape[2], pixels])?;
    let x = b.add(along([Some(0), None]), &[x])?;
    let depth = Dim::Known(b.size(x, 2)?);
    b.reshape(x, vec![batch, shape[1], depth, Dim::Known(rows), Dim::Known(columns)])
}
