use super::{Build, Range1, slice};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops;
use crate::types::DType;
use tacita_program::NodeId;

/// What an axis is continued with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// A public number. For integers and bits it is 0.
    Constant(f64),
    /// The elements in reverse, without the first or last, as often as needed.
    Reflect,
    /// The first or last element.
    Edge,
    /// The elements from the other end.
    Wrap,
}

impl PadMode {
    /// The element at place `at` of an axis of `size` that is continued to both sides.
    fn place(self, at: i64, size: usize) -> Option<usize> {
        let size = size as i64;
        let place = match self {
            PadMode::Constant(_) => return (0..size).contains(&at).then_some(at as usize),
            PadMode::Edge => at.clamp(0, size - 1),
            PadMode::Wrap => at.rem_euclid(size),
            PadMode::Reflect if size == 1 => 0,
            PadMode::Reflect => {
                let there = at.rem_euclid(2 * (size - 1));
                there.min(2 * (size - 1) - there)
            }
        };
        Some(place as usize)
    }
}

/// x with so many elements more before and after, an axis each; a negative number takes away as many, before anything
/// is added. Any kind.
///
/// # Errors
/// If there is not a number for each axis, nothing would be left of one, the batch is padded, or the result is too
/// large.
pub fn pad(
    graph: &mut Graph,
    x: NodeId,
    before: &[i64],
    after: &[i64],
    mode: PadMode,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Pad", name);
    let shape = b.shape(x);
    if before.len() != shape.len() || after.len() != shape.len() {
        return b.refuse(format!("{} and {} numbers for {} axes", before.len(), after.len(), shape.len()));
    }
    let mut kept = Vec::new();
    for (axis, &size) in shape.iter().enumerate().filter(|&(axis, _)| before[axis] < 0 || after[axis] < 0) {
        let (start, end) = (before[axis].min(0).saturating_neg(), after[axis].min(0));
        let end = end.saturating_add_unsigned(size as u64);
        if start >= end {
            return b.refuse(format!("nothing is left of axis {axis} of {size}"));
        }
        kept.push(Range1 { axis: axis as isize, start: Some(start), end: Some(end), step: 1 });
    }
    let mut x = if kept.is_empty() { x } else { slice(b.graph, x, &kept, name)? };
    let [before, after] = [before, after].map(|list| list.iter().map(|&n| n.max(0)).collect::<Vec<_>>());
    if before.iter().chain(&after).all(|&n| n == 0) {
        return Ok(x);
    }
    if let PadMode::Constant(value) = mode {
        if b.graph.node(x).ty.dtype == DType::Fixed {
            let [before, after] = [before, after].map(|list| list.iter().map(|&n| n as usize).collect());
            return b.add(ops::Pad { before, after, value }, &[x]);
        }
        if value != 0.0 {
            return b.refuse(format!("integers and bits are padded with 0, not {value}"));
        }
    }
    for axis in 0..shape.len() {
        if (before[axis], after[axis]) != (0, 0) {
            let size = b.size(x, axis);
            let end = after[axis].saturating_add_unsigned(size as u64);
            x = b.gather(x, axis, (-before[axis]..end).map(|at| mode.place(at, size)))?;
        }
    }
    Ok(x)
}
