use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::Slice;
use tacita_program::NodeId;

/// What Python writes as `start:end:step` for one axis. Bounds count from the end if negative, and mean that end where
/// they lie beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range1 {
    /// The axis.
    pub axis: isize,
    /// The first index; the first element there is, in the step's direction, if `None`.
    pub start: Option<i64>,
    /// Before which index it ends, in the step's direction; after the last element if `None`.
    pub end: Option<i64>,
    /// Not 0; negative steps go backwards.
    pub step: i64,
}

impl Range1 {
    /// The indices that it names, of an axis of `size`; none for a step of 0.
    pub fn places(&self, size: usize) -> impl Iterator<Item = usize> + use<> {
        let (first, count) = if self.step == 0 { (0, 0) } else { self.resolve(size) };
        let (forward, step) =
            (self.step > 0, usize::try_from(self.step.unsigned_abs()).unwrap_or(usize::MAX));
        (0..count).map(move |at| if forward { first + at * step } else { first - at * step })
    }

    /// The indices, for an axis of `size`: the first, how many, and the step.
    fn resolve(&self, size: usize) -> (usize, usize) {
        let size = size as i128;
        // Backwards, -1 stands before the first element.
        let (low, high) = if self.step > 0 { (0, size) } else { (-1, size - 1) };
        let bound = |bound: i64| {
            let bound = i128::from(bound);
            (if bound < 0 { bound + size } else { bound }).clamp(low, high)
        };
        let (start, end) = if self.step > 0 {
            (self.start.map_or(low, bound), self.end.map_or(high, bound))
        } else {
            (self.start.map_or(high, bound), self.end.map_or(low, bound))
        };
        let step = i128::from(self.step);
        let count = if step > 0 { end - start } else { start - end };
        let count = if count > 0 { (count + step.abs() - 1) / step.abs() } else { 0 };
        (start.max(0) as usize, count as usize)
    }
}

/// Every `step`-th element between bounds, along each axis named. Any kind.
///
/// # Errors
/// If an axis is not x's or named twice, a step is 0, or nothing is left.
pub fn slice(graph: &mut Graph, x: NodeId, ranges: &[Range1], name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Slice", name);
    let named: Vec<isize> = ranges.iter().map(|range| range.axis).collect();
    let axes = b.axes(x, &named)?;
    let shape = b.shape(x);
    let rank = shape.len();
    let mut forward = Slice { starts: vec![0; rank], ends: vec![usize::MAX; rank], steps: vec![1; rank] };
    let mut backward = Vec::new();
    for (range, &axis) in ranges.iter().zip(&axes) {
        if range.step == 0 {
            return b.refuse("a step is 0");
        }
        let whole = matches!(range.start, None | Some(0))
            && range.end.is_none_or(|end| end >= i64::from(i32::MAX))
            && range.step == 1;
        if whole {
            continue;
        }
        let (first, count) = range.resolve(b.size(x, axis));
        if count == 0 {
            return b.refuse(format!("nothing is left of axis {axis}"));
        }
        let step = usize::try_from(range.step.unsigned_abs()).unwrap_or(usize::MAX);
        if range.step > 0 {
            forward.starts[axis] = first;
            forward.ends[axis] = first + (count - 1) * step + 1;
            forward.steps[axis] = step;
        } else {
            backward.push((axis, range.places(b.size(x, axis))));
        }
    }
    let untouched = forward.starts.iter().all(|&start| start == 0)
        && forward.ends.iter().all(|&end| end == usize::MAX)
        && forward.steps.iter().all(|&step| step == 1);
    let mut result = if untouched { x } else { b.add(forward, &[x])? };
    for (axis, places) in backward {
        result = b.gather(result, axis, places.map(Some))?;
    }
    Ok(result)
}

/// `length` elements from `start` on along `axis`. Any kind.
///
/// # Errors
/// If the axis is not x's, it ends before, or the length is 0.
pub fn narrow(
    graph: &mut Graph,
    x: NodeId,
    axis: isize,
    start: usize,
    length: usize,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Narrow", name);
    let axis = b.axis(x, axis)?;
    let size = b.size(x, axis);
    let end = start.checked_add(length).filter(|&end| end <= size && length > 0);
    let Some(end) = end else {
        return b.refuse(format!("{length} elements from {start} on of an axis of {size}"));
    };
    if length == size {
        return Ok(x);
    }
    let rank = b.shape(x).len();
    let (mut starts, mut ends) = (vec![0; rank], vec![usize::MAX; rank]);
    (starts[axis], ends[axis]) = (start, end);
    b.add(Slice { starts, ends, steps: vec![1; rank] }, &[x])
}
