//! The order and number of elements along axes.

use tacita_graph::{Dim, ops};

use super::{Values, one};
use crate::call::{Call, checked_count};
use crate::error::refuse;
use crate::value::{Sizes, Value, axes, axis};

pub(super) fn transpose(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let shape = call.shape(x);
    let perm = match call.ints("perm")? {
        Some(perm) => perm.iter().map(|&entry| axis(entry, shape.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..shape.len()).rev().collect(),
    };
    one(call.add(ops::Transpose { perm }, &[x])?)
}

/// Of data, or of sizes to a longer shape.
pub(super) fn concat(call: &mut Call<'_, '_>) -> Values {
    let declared = call.int("axis")?.unwrap_or(1);
    if call.value(0)?.is_integers() {
        let mut list = Vec::new();
        for index in 0..call.inputs() {
            list.extend(call.sizes(index)?.list);
        }
        return Ok(vec![Value::Sizes(Sizes::vector(list)?)]);
    }
    let mut parts = Vec::with_capacity(call.inputs());
    for index in 0..call.inputs() {
        parts.push(call.operand(index)?);
    }
    let rank = parts.first().map_or(0, |&part| call.shape(part).len());
    one(call.add(ops::Concat { axis: axis(declared, rank)? }, &parts)?)
}

/// By a constant. Amounts are attributes up to version 10, inputs since.
pub(super) fn pad(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let rank = call.shape(x).len();
    match call.text("mode")? {
        None | Some("constant" | "") => {}
        Some(other) => return refuse(format!("mode {other:?} is not supported, only \"constant\"")),
    }
    let (pads, value, padded) = match call.opset() {
        ..11 => (call.ints("pads")?.map(<[i64]>::to_vec), call.float("value")?, None),
        _ => (Some(call.sizes(1)?.ints()?), call.optional_number(2)?, call.optional_ints(3)?),
    };
    let padded = match padded {
        // In the order given, which need not be ascending.
        Some(list) => list.iter().map(|&entry| axis(entry, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    let pads = pads.unwrap_or_default();
    if pads.len() != 2 * padded.len() {
        return refuse(format!("{} amounts of padding for {} axes", pads.len(), padded.len()));
    }
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (index, &axis) in padded.iter().enumerate() {
        before[axis] = checked_count("pads", pads[index])?;
        after[axis] = checked_count("pads", pads[index + padded.len()])?;
    }
    one(call.add(ops::Pad { before, after, value: value.unwrap_or(0.0) }, &[x])?)
}

/// Bounds are attributes up to version 9, inputs since.
pub(super) fn slice(call: &mut Call<'_, '_>) -> Values {
    let (starts, ends, axes_given, steps) = match call.opset() {
        ..10 => (call.ints("starts")?, call.ints("ends")?, call.ints("axes")?.map(<[i64]>::to_vec), None),
        _ => (None, None, call.optional_ints(3)?, call.optional_ints(4)?),
    };
    let (starts, ends) = match (starts, ends) {
        (Some(starts), Some(ends)) => (starts.to_vec(), ends.to_vec()),
        _ => (call.sizes(1)?.ints()?, call.sizes(2)?.ints()?),
    };
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    let axes_given = axes_given.unwrap_or_else(|| (0..starts.len() as i64).collect());
    if [ends.len(), steps.len(), axes_given.len()] != [starts.len(); 3] {
        return refuse("starts, ends, axes and steps differ in length");
    }

    let input = call.value(0)?;
    let sizes = if input.is_integers() { Some(call.sizes(0)?) } else { None };
    let shape = match &sizes {
        Some(sizes) => vec![Dim::Known(sizes.list.len())],
        None => {
            let x = call.operand(0)?;
            call.shape(x)
        }
    };
    axes(&axes_given, shape.len())?;
    let mut op = ops::Slice {
        starts: vec![0; shape.len()],
        ends: vec![usize::MAX; shape.len()],
        steps: vec![1; shape.len()],
    };
    for (index, &given) in axes_given.iter().enumerate() {
        let axis = axis(given, shape.len())?;
        let Dim::Known(size) = shape[axis] else {
            if (starts[index], steps[index]) == (0, 1) && ends[index] >= i64::from(i32::MAX) {
                continue; // all of the batch
            }
            return refuse("slicing the symbolic batch is not supported");
        };
        let Some(step) = usize::try_from(steps[index]).ok().filter(|&step| step > 0) else {
            return refuse(format!("step {} is not supported, only positive ones", steps[index]));
        };
        // Negative bounds count from the end; those beyond either end mean that end.
        let clamp = |bound: i64| match bound {
            ..0 => size.saturating_sub(usize::try_from(bound.unsigned_abs()).unwrap_or(usize::MAX)),
            _ => usize::try_from(bound).unwrap_or(usize::MAX).min(size),
        };
        (op.starts[axis], op.ends[axis], op.steps[axis]) = (clamp(starts[index]), clamp(ends[index]), step);
    }
    if let Some(sizes) = sizes {
        let (start, end) = (op.starts[0], op.ends[0].min(sizes.list.len()));
        let list =
            sizes.list.get(start..end).unwrap_or_default().iter().copied().step_by(op.steps[0]).collect();
        return Ok(vec![Value::Sizes(Sizes::vector(list)?)]);
    }
    let x = call.operand(0)?;
    one(call.add(op, &[x])?)
}

/// Parts along an axis. Their sizes are an attribute up to version 12, an input since; without them the parts are equal,
/// the last perhaps smaller.
pub(super) fn split(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let shape = call.shape(x);
    let axis = axis(call.int("axis")?.unwrap_or(0), shape.len())?;
    let Dim::Known(size) = shape[axis] else {
        return refuse("splitting the symbolic batch is not supported");
    };
    let given = match call.ints("split")? {
        Some(list) => Some(list.to_vec()),
        None => call.optional_ints(1)?,
    };
    let parts = call.count("num_outputs", call.outputs())?;
    let sizes = match given {
        Some(list) => list.iter().map(|&part| checked_count("split", part)).collect::<Result<Vec<_>, _>>()?,
        None => {
            let equal = size.div_ceil(parts.max(1));
            (0..parts).map(|part| equal.min(size.saturating_sub(part * equal))).collect()
        }
    };
    if sizes.iter().sum::<usize>() != size || sizes.len() != call.outputs() {
        return refuse(format!("parts of {sizes:?} for {} outputs of an axis of {size}", call.outputs()));
    }
    let mut start = 0;
    let mut values = Vec::with_capacity(sizes.len());
    for part in sizes {
        let (mut starts, mut ends) = (vec![0; shape.len()], vec![usize::MAX; shape.len()]);
        (starts[axis], ends[axis]) = (start, start + part);
        start += part;
        values.push(Value::Node(call.add(ops::Slice { starts, ends, steps: vec![1; shape.len()] }, &[x])?));
    }
    Ok(values)
}
