//! Which class is largest: argmax, and the softmax before it, which does not change that.

use tacita_graph::{DType, Op, functions, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::refuse;
use crate::value::{Softmax, Value, axis};

/// Softmax and LogSoftmax are left out where what comes after only ranks, or reveals the logits.
pub(super) fn softmax(call: &mut Call<'_, '_>) -> Values {
    let logits = call.operand(0)?;
    let rank = call.shape(logits).len();
    let declared = call.int("axis")?;
    let axes = match call.opset() {
        // Up to version 12 all axes from the given one on were taken together.
        ..13 => (axis(declared.unwrap_or(1), rank)?..rank).collect(),
        _ => vec![axis(declared.unwrap_or(-1), rank)?],
    };
    let (node, op) = (call.name().to_string(), call.op().to_string());
    Ok(vec![Value::Softmax(Softmax { logits, axes, node, op })])
}

/// The lowest index where several are equal.
pub(super) fn arg_max(call: &mut Call<'_, '_>) -> Values {
    rank(call, |axis, keepdims| ops::ArgMax { axis, keepdims }.into())
}

/// The lowest index where several are equal.
pub(super) fn arg_min(call: &mut Call<'_, '_>) -> Values {
    rank(call, |axis, keepdims| ops::ArgMin { axis, keepdims }.into())
}

fn rank(call: &mut Call<'_, '_>, op: fn(usize, bool) -> Op) -> Values {
    let input = call.value(0)?;
    let rank = match &input {
        Value::Softmax(softmax) => call.shape(softmax.logits).len(),
        other => {
            let x = call.scope.node(other)?;
            call.shape(x).len()
        }
    };
    let axis = axis(call.int("axis")?.unwrap_or(0), rank)?;
    let keepdims = call.int("keepdims")?.unwrap_or(1) != 0;
    let last = call.flag("select_last_index")?;
    let mut x = match &input {
        Value::Softmax(Softmax { logits, axes, node, op }) if axes.contains(&axis) => {
            let note = format!("{op} {node:?} is left out: it does not change which class is largest.");
            call.scope.notes.push(note);
            *logits
        }
        other => call.scope.node(other)?,
    };
    if !last {
        return one(call.add(op(axis, keepdims), &[x])?);
    }
    // The last of equals is the first from the end.
    let size = call.shape(x)[axis];
    x = call.apply(|graph, name| functions::flip(graph, x, &[axis as isize], name))?;
    let from_end = call.add(op(axis, keepdims), &[x])?;
    let last = call.of_shape(size as i64 - 1)?;
    one(call.add(ops::Sub, &[last, from_end])?)
}

/// 1 where the largest of an axis is, the first of equals, and 0 elsewhere.
pub(super) fn hardmax(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let rank = call.shape(x).len();
    let declared = call.int("axis")?;
    let axis = axis(declared.unwrap_or(if call.opset() < 13 { 1 } else { -1 }), rank)?;
    if call.opset() < 13 && axis + 1 != rank {
        return refuse("several axes together, as up to version 12, are not supported");
    }
    let depth = call.shape(x)[axis];
    let largest = call.add(ops::ArgMax { axis, keepdims: false }, &[x])?;
    let mut bits = call.add(ops::OneHot { depth }, &[largest])?;
    if axis + 1 != rank {
        let mut perm: Vec<usize> = (0..rank - 1).collect();
        perm.insert(axis, rank - 1);
        bits = call.add(ops::Transpose { perm }, &[bits])?;
    }
    one(call.add(ops::Cast { to: DType::Fixed, rounding: ops::ToWhole::TowardsZero }, &[bits])?)
}
