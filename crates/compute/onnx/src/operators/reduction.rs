//! Sums, means and products over axes.

use tacita_graph::functions::{self, Norm};
use tacita_graph::{NodeId, Op, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, refuse};
use crate::value;

/// Why a reduction over no axes is refused that is more than a sum.
const UNCLEAR: &str = "noop_with_empty_axes without axes means different things to different programs";

/// What is reduced over which axes, in ascending order.
struct Reduced {
    x: NodeId,
    axes: Vec<usize>,
    keepdims: bool,
    /// Whether nothing is reduced, not even over no axes.
    nothing: bool,
}

impl Reduced {
    /// Axes are an attribute in old versions and an input in new ones; without any, all are meant.
    fn read(call: &mut Call<'_, '_>) -> Result<Reduced, Fault> {
        let x = call.operand(0)?;
        let rank = call.shape(x).len();
        let keepdims = call.int("keepdims")?.unwrap_or(1) != 0;
        let none_means_none = call.flag("noop_with_empty_axes")?;
        let list = match call.ints("axes")? {
            Some(list) => list.to_vec(),
            None => call.optional_ints(1)?.unwrap_or_default(),
        };
        let nothing = list.is_empty() && none_means_none;
        let axes = match list.is_empty() {
            true if none_means_none => Vec::new(),
            true => (0..rank).collect(),
            false => value::axes(&list, rank)?,
        };
        Ok(Reduced { x, axes, keepdims, nothing })
    }
}

pub(super) fn reduce_mean(call: &mut Call<'_, '_>) -> Values {
    let Reduced { x, axes, keepdims, nothing } = Reduced::read(call)?;
    one(if nothing { x } else { call.add(ops::Mean { axes, keepdims }, &[x])? })
}

pub(super) fn reduce_sum(call: &mut Call<'_, '_>) -> Values {
    let Reduced { x, axes, keepdims, nothing } = Reduced::read(call)?;
    one(if nothing { x } else { call.add(ops::Sum { axes, keepdims }, &[x])? })
}

pub(super) fn reduce_sum_square(call: &mut Call<'_, '_>) -> Values {
    let Reduced { x, axes, keepdims, nothing } = Reduced::read(call)?;
    if nothing {
        return refuse(UNCLEAR);
    }
    let square = call.add(ops::Mul, &[x, x])?;
    one(call.add(ops::Sum { axes, keepdims }, &[square])?)
}

/// The logarithm of the sum of e^x: of one axis, so that several are put last and taken as one.
pub(super) fn reduce_log_sum_exp(call: &mut Call<'_, '_>) -> Values {
    let Reduced { x, axes, keepdims, nothing } = Reduced::read(call)?;
    if nothing {
        return refuse(UNCLEAR);
    }
    let axes: Vec<isize> = axes.into_iter().map(|axis| axis as isize).collect();
    one(call.apply(|graph, name| functions::log_sum_exp(graph, x, &axes, keepdims, name))?)
}

pub(super) fn reduce_log_sum(call: &mut Call<'_, '_>) -> Values {
    let Reduced { x, axes, keepdims, nothing } = Reduced::read(call)?;
    if nothing {
        return refuse(UNCLEAR);
    }
    let sum = call.add(ops::Sum { axes, keepdims }, &[x])?;
    one(call.add(ops::Log, &[sum])?)
}

pub(super) fn reduce_l1(call: &mut Call<'_, '_>) -> Values {
    norm(call, Norm::One)
}

pub(super) fn reduce_l2(call: &mut Call<'_, '_>) -> Values {
    norm(call, Norm::Two)
}

fn norm(call: &mut Call<'_, '_>, p: Norm) -> Values {
    let Reduced { x, axes, keepdims, nothing } = Reduced::read(call)?;
    if nothing {
        return refuse(UNCLEAR);
    }
    let axes: Vec<isize> = axes.into_iter().map(|axis| axis as isize).collect();
    one(call.apply(|graph, name| functions::norm(graph, x, p, &axes, keepdims, name))?)
}

pub(super) fn reduce_prod(call: &mut Call<'_, '_>) -> Values {
    let Reduced { x, axes, keepdims, .. } = Reduced::read(call)?;
    let axes: Vec<isize> = axes.into_iter().map(|axis| axis as isize).collect();
    one(call.apply(|graph, name| functions::prod(graph, x, &axes, keepdims, name))?)
}

/// Products up to each element, itself included.
pub(super) fn cum_prod(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let &[axis] = call.sizes(1)?.list.as_slice() else { return refuse("it needs one axis") };
    let axis = value::axis(axis, call.shape(x).len())? as isize;
    if call.flag("exclusive")? {
        return refuse("exclusive is not supported");
    }
    let reverse = call.flag("reverse")?;
    one(call.apply(|graph, name| functions::cum_prod(graph, x, axis, reverse, name))?)
}

/// Sums up to each element.
pub(super) fn cum_sum(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let &[axis] = call.sizes(1)?.list.as_slice() else { return refuse("it needs one axis") };
    let axis = value::axis(axis, call.shape(x).len())?;
    let (exclusive, reverse) = (call.flag("exclusive")?, call.flag("reverse")?);
    one(call.add(ops::CumSum { axis, exclusive, reverse }, &[x])?)
}

/// The largest over axes: these are made one, the last, so that all are compared in one tournament.
pub(super) fn reduce_max(call: &mut Call<'_, '_>) -> Values {
    best(call, |axis| ops::Max { axis, keepdims: false }.into())
}

pub(super) fn reduce_min(call: &mut Call<'_, '_>) -> Values {
    best(call, |axis| ops::Min { axis, keepdims: false }.into())
}

fn best(call: &mut Call<'_, '_>, op: fn(usize) -> Op) -> Values {
    let Reduced { x, axes, keepdims, nothing } = Reduced::read(call)?;
    let shape = call.shape(x);
    if nothing || axes.is_empty() {
        return one(x);
    }
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let mut size = 1usize;
    for &axis in &axes {
        size = size.saturating_mul(shape[axis]);
    }
    let moved = call.add(ops::Transpose { perm: [&kept[..], &axes].concat() }, &[x])?;
    let lead = kept.iter().map(|&axis| shape[axis]);
    let flat = call.add(ops::Reshape { shape: lead.chain([size]).collect() }, &[moved])?;
    let best = call.add(op(kept.len()), &[flat])?;
    if !keepdims {
        return one(best);
    }
    let sizes = (0..shape.len()).map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] });
    one(call.add(ops::Reshape { shape: sizes.collect() }, &[best])?)
}
