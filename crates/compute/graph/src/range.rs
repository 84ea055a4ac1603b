//! Range analysis: derives bounds of every value from the ranges that inputs declare.

use crate::error::GraphError;
use crate::graph::Graph;
use crate::lower::{PRECISIONS, limit, representable};
use crate::ops::{Input, Op};
use crate::types::{DType, Interval, Type};
use tacita_program::NodeId;

/// The range bound of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Contains the values if the inputs lie in their declared ranges and no earlier node leaves the representable
    /// range.
    pub interval: Interval,
    /// The largest absolute value that a private evaluation reaches in between, such as the sum in a mean.
    pub peak: f64,
    /// Whether the bound depends on an input without a declared range, which is assumed to take every representable
    /// number.
    pub assumed: bool,
}

/// A node whose value could leave the representable range. A value that does so is wrong by 2^64 units, unless it
/// saturates.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeWarning {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Its operation.
    pub op: &'static str,
    /// The largest absolute value it could hold.
    pub peak: f64,
    /// Representable numbers are below this in absolute value.
    pub limit: f64,
    /// Whether the value would then saturate at the largest or least representable number.
    pub saturates: bool,
    /// Whether the warning rests on an input without a declared range.
    pub assumed: bool,
}

/// The range of every node at `precision` fractional bits.
///
/// An input without a declared range may take any representable number (an integer input any below 2^62). Each interval
/// is cut to representable numbers before it is used, so that one cause gives one [warning](warnings).
///
/// # Errors
/// If the precision is outside [`PRECISIONS`].
pub fn ranges(graph: &Graph, precision: u32) -> Result<Vec<Range>, GraphError> {
    if !PRECISIONS.contains(&precision) {
        return Err(GraphError::Precision(precision));
    }
    Ok(ranges_if(true, graph, precision))
}

/// The range of every node from the declared ranges of inputs; unless `trusted`, the declared ranges are ignored.
pub(crate) fn ranges_if(trusted: bool, graph: &Graph, precision: u32) -> Vec<Range> {
    let operation = |op: &Op, x: &[Interval], types: &[&Type]| op.operation().range(x, types);
    inferred(graph, trusted, |dtype| Interval::symmetric(limit(dtype, precision)), operation)
}

/// The range of every node. `numbers` gives the range assumed for a type other than bits, `of` the range of an
/// operation's result. Declared ranges count only if `trusted`.
pub(crate) fn inferred(
    graph: &Graph,
    trusted: bool,
    numbers: impl Fn(DType) -> Interval,
    of: impl Fn(&Op, &[Interval], &[&Type]) -> Interval,
) -> Vec<Range> {
    let all = |dtype| if dtype == DType::Bit { Interval { min: 0.0, max: 1.0 } } else { numbers(dtype) };
    let mut ranges: Vec<Range> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        if let Op::Input(Input { range, .. }) = node.op {
            let range = range.filter(|_| trusted);
            let interval = range.unwrap_or(all(node.ty.dtype));
            ranges.push(Range { interval, peak: interval.magnitude(), assumed: range.is_none() });
            continue;
        }
        let inputs: Vec<&Range> = node.inputs.iter().map(|input| &ranges[input.index()]).collect();
        let types: Vec<_> = node.inputs.iter().map(|&input| &graph.node(input).ty).collect();
        let intervals: Vec<Interval> =
            inputs.iter().zip(&types).map(|(range, ty)| range.interval.clamp_to(all(ty.dtype))).collect();
        let interval = of(&node.op, &intervals, &types);
        let peak = node.op.operation().peak(&intervals, &types, interval);
        ranges.push(Range { interval, peak, assumed: inputs.iter().any(|range| range.assumed) });
    }
    ranges
}

/// The fractional bits of each node's value in a session of `precision`; 0 if it is not fixed-point. They equal
/// `precision` except at [`Precision`](crate::ops::Precision), at operations that keep their input's bits, and at a
/// softmax of many classes.
pub fn fracs(graph: &Graph, precision: u32) -> Vec<u32> {
    let mut fracs: Vec<u32> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let fixed = |id: &&NodeId| graph.node(**id).ty.dtype == DType::Fixed;
        let inputs: Vec<u32> = node.inputs.iter().filter(fixed).map(|id| fracs[id.index()]).collect();
        let frac = match &node.op {
            _ if node.ty.dtype != DType::Fixed => 0,
            Op::Softmax(softmax) => softmax.frac_of(&graph.node(node.inputs[0]).ty, precision),
            op => op.operation().frac(&inputs, precision),
        };
        fracs.push(frac);
    }
    fracs
}

/// The nodes, in order, whose value could leave the representable range at `precision` fractional bits. Nodes computed
/// in the clear are left out: encoding refuses unrepresentable numbers.
///
/// # Errors
/// If the precision is outside [`PRECISIONS`].
pub fn warnings(graph: &Graph, precision: u32) -> Result<Vec<RangeWarning>, GraphError> {
    let ranges = ranges(graph, precision)?;
    let mut warnings = Vec::new();
    for ((id, range), frac) in graph.ids().zip(ranges).zip(fracs(graph, precision)) {
        let limit = representable(precision).min(2f64.powi(62 - frac as i32));
        let node = graph.node(id);
        let hidden = !node.ty.visibility.is_clear() && node.ty.dtype == DType::Fixed;
        if hidden && range.peak > limit {
            let (name, op) = (graph.label(id), node.op.name());
            warnings.push(RangeWarning {
                node: id,
                name,
                op,
                peak: range.peak,
                limit,
                saturates: node.op.operation().saturates(),
                assumed: range.assumed,
            });
        }
    }
    Ok(warnings)
}
