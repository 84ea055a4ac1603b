use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::MaxPool;
use tacita_program::NodeId;

/// The maximum over a sliding window of x `(n, c, spatial...)`: [`MaxPool`] for two spatial axes at most; for three the
/// maxima over the last two, and of these over the first. Fixed.
///
/// # Errors
/// If shape or attributes do not fit, or a window would lie on padding alone.
pub fn max_pool(graph: &mut Graph, x: NodeId, op: &MaxPool, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "MaxPool", name);
    let lists = [&op.kernel, &op.stride, &op.pads_begin, &op.pads_end, &op.dilation];
    if lists.iter().any(|list| list.len() != 3) {
        return b.add(op.clone(), &[x]);
    }
    let [batch, channels, depth, rows, columns] = b.shape(x)[..] else {
        return b.refuse("windows over 3 axes need as many of x after two");
    };
    let part = |list: &[usize], first: bool| if first { vec![list[0], 1] } else { list[1..].to_vec() };
    let over = |first: bool| MaxPool {
        kernel: part(&op.kernel, first),
        stride: part(&op.stride, first),
        // the second axis is pooled already, and has no padding
        pads_begin: if first { vec![op.pads_begin[0], 0] } else { op.pads_begin[1..].to_vec() },
        pads_end: if first { vec![op.pads_end[0], 0] } else { op.pads_end[1..].to_vec() },
        dilation: part(&op.dilation, first),
        ceil_mode: op.ceil_mode,
    };
    let Some(slices) = channels.checked_mul(depth) else { return b.refuse("x is too large") };
    let flat = b.reshape(x, vec![batch, slices, rows, columns])?;
    let pooled = b.add(over(false), &[flat])?;
    let [_, _, rows, columns] = b.shape(pooled)[..] else {
        return b.refuse("a spatial axis is the batch");
    };
    let columns_and_rows = rows * columns;
    let flat = b.reshape(pooled, vec![batch, channels, depth, columns_and_rows])?;
    let pooled = b.add(over(true), &[flat])?;
    let depth = b.shape(pooled)[2];
    b.reshape(pooled, vec![batch, channels, depth, rows, columns])
}
