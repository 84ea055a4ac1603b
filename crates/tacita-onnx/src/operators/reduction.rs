//! Sums and means over axes.

use tacita_graph::{Dim, NodeId, Op, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, refuse};
use crate::value;

pub(super) fn reduce_mean(call: &mut Call<'_, '_>) -> Values {
    reduce(call, |axes, keepdims| ops::Mean { axes, keepdims }.into())
}

pub(super) fn reduce_sum(call: &mut Call<'_, '_>) -> Values {
    reduce(call, |axes, keepdims| ops::Sum { axes, keepdims }.into())
}

/// The largest over axes: these are made one, the last, so that all are compared in one tournament.
pub(super) fn reduce_max(call: &mut Call<'_, '_>) -> Values {
    best(call, |axis| ops::Max { axis, keepdims: false }.into())
}

pub(super) fn reduce_min(call: &mut Call<'_, '_>) -> Values {
    best(call, |axis| ops::Min { axis, keepdims: false }.into())
}

fn best(call: &mut Call<'_, '_>, op: fn(usize) -> Op) -> Values {
    let Reduced { x, axes, keepdims } = reduced(call)?;
    let shape = call.shape(x);
    if axes.is_empty() {
        return one(x);
    }
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let mut size = 1usize;
    for &axis in &axes {
        match shape[axis] {
            Dim::Known(more) => size = size.saturating_mul(more),
            Dim::Batch => return refuse("the largest over the symbolic batch is not supported"),
        }
    }
    let moved = call.add(ops::Transpose { perm: [&kept[..], &axes].concat() }, &[x])?;
    let lead = kept.iter().map(|&axis| shape[axis]);
    let flat = call.add(ops::Reshape { shape: lead.chain([Dim::Known(size)]).collect() }, &[moved])?;
    let best = call.add(op(kept.len()), &[flat])?;
    if !keepdims {
        return one(best);
    }
    let sizes = (0..shape.len()).map(|axis| if axes.contains(&axis) { Dim::Known(1) } else { shape[axis] });
    one(call.add(ops::Reshape { shape: sizes.collect() }, &[best])?)
}

fn reduce(call: &mut Call<'_, '_>, op: fn(Vec<usize>, bool) -> Op) -> Values {
    let Reduced { x, axes, keepdims } = reduced(call)?;
    if axes.is_empty() {
        return one(x);
    }
    one(call.add(op(axes, keepdims), &[x])?)
}

/// What is reduced, over which axes, and whether these stay.
struct Reduced {
    x: NodeId,
    axes: Vec<usize>,
    keepdims: bool,
}

/// Axes are an attribute in old versions and an input in new ones; without any, all are meant.
fn reduced(call: &mut Call<'_, '_>) -> Result<Reduced, Fault> {
    let x = call.operand(0)?;
    let rank = call.shape(x).len();
    let keepdims = call.int("keepdims")?.unwrap_or(1) != 0;
    let none_means_none = call.flag("noop_with_empty_axes")?;
    let list = match call.ints("axes")? {
        Some(list) => list.to_vec(),
        None => call.optional_ints(1)?.unwrap_or_default(),
    };
    let axes = match (list.is_empty(), none_means_none) {
        (true, true) => Vec::new(),
        (true, false) => (0..rank).collect(),
        (false, _) => value::axes(&list, rank)?,
    };
    Ok(Reduced { x, axes, keepdims })
}
