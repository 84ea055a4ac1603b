//! Sums and means over axes.

use tacita_graph::{Op, ops};

use super::{Values, one};
use crate::call::Call;
use crate::value;

pub(super) fn reduce_mean(call: &mut Call<'_, '_>) -> Values {
    reduce(call, |axes, keepdims| ops::Mean { axes, keepdims }.into())
}

pub(super) fn reduce_sum(call: &mut Call<'_, '_>) -> Values {
    reduce(call, |axes, keepdims| ops::Sum { axes, keepdims }.into())
}

/// Axes are an attribute in old versions and an input in new ones; without any, all are meant.
fn reduce(call: &mut Call<'_, '_>, op: fn(Vec<usize>, bool) -> Op) -> Values {
    let x = call.operand(0)?;
    let rank = call.shape(x).len();
    let keepdims = call.int("keepdims")?.unwrap_or(1) != 0;
    let none_means_none = call.flag("noop_with_empty_axes")?;
    let list = match call.ints("axes")? {
        Some(list) => list.to_vec(),
        None => call.optional_ints(1)?.unwrap_or_default(),
    };
    let axes = match (list.is_empty(), none_means_none) {
        (true, true) => return one(x),
        (true, false) => (0..rank).collect(),
        (false, _) => value::axes(&list, rank)?,
    };
    one(call.add(op(axes, keepdims), &[x])?)
}
