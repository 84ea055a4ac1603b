//! The order and number of elements along axes.

use tacita_graph::functions::{self, PadMode, Range1};
use tacita_graph::ops;

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

/// By a constant or by what is there. Amounts are attributes up to version 10, inputs since; negative ones take away.
pub(super) fn pad(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let rank = call.shape(x).len();
    let mode = call.text("mode")?.unwrap_or("constant");
    let (pads, padded) = match call.opset() {
        ..11 => (call.ints("pads")?.map(<[i64]>::to_vec), None),
        _ => (Some(call.sizes(1)?.list), call.optional_ints(3)?),
    };
    let attribute = call.raw_float("value")?.is_some() && call.opset() < 11;
    let mode = match mode {
        "constant" | "" => {
            let value = if attribute { call.float("value")? } else { call.optional_number(2)? };
            PadMode::Constant(value.unwrap_or(0.0))
        }
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return refuse(format!("mode {other:?} is unknown")),
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
    for pad in &pads {
        checked_count("pads", pad.saturating_abs())?;
    }
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (index, &axis) in padded.iter().enumerate() {
        before[axis] = pads[index];
        after[axis] = pads[index + padded.len()];
    }
    one(call.apply(|graph, name| functions::pad(graph, x, &before, &after, mode, name))?)
}

/// Bounds are attributes up to version 9, inputs since.
pub(super) fn slice(call: &mut Call<'_, '_>) -> Values {
    let (starts, ends, axes_given, steps) = match call.opset() {
        ..10 => (call.ints("starts")?, call.ints("ends")?, call.ints("axes")?.map(<[i64]>::to_vec), None),
        _ => (None, None, call.optional_ints(3)?, call.optional_ints(4)?),
    };
    let (starts, ends) = match (starts, ends) {
        (Some(starts), Some(ends)) => (starts.to_vec(), ends.to_vec()),
        _ => (call.sizes(1)?.list, call.sizes(2)?.list),
    };
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    let axes_given = axes_given.unwrap_or_else(|| (0..starts.len() as i64).collect());
    if [ends.len(), steps.len(), axes_given.len()] != [starts.len(); 3] {
        return refuse("starts, ends, axes and steps differ in length");
    }
    let bounds = starts.iter().zip(&ends).zip(&steps).zip(&axes_given);
    let ranges: Vec<Range1> = bounds
        .map(|(((&start, &end), &step), &axis)| Range1 {
            axis: isize::try_from(axis).unwrap_or(isize::MAX),
            start: Some(start),
            end: Some(end),
            step,
        })
        .collect();
    if call.value(0)?.is_integers() {
        let mut list = call.sizes(0)?.list;
        axes(&axes_given, 1)?;
        for range in ranges {
            if range.step == 0 {
                return refuse("a step is 0");
            }
            list = range.places(list.len()).map(|place| list[place]).collect();
        }
        return Ok(vec![Value::Sizes(Sizes::vector(list)?)]);
    }
    let x = call.operand(0)?;
    one(call.apply(|graph, name| functions::slice(graph, x, &ranges, name))?)
}

/// Parts along an axis. Their sizes are an attribute up to version 12, an input since; without them the parts are equal,
/// the last perhaps smaller.
pub(super) fn split(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let shape = call.shape(x);
    let axis = axis(call.int("axis")?.unwrap_or(0), shape.len())?;
    let size = shape[axis];
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

/// Copies along axes.
pub(super) fn tile(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let repeats = call.sizes(1)?.list;
    let times = repeats.iter().map(|&n| checked_count("repeats", n)).collect::<Result<Vec<_>, _>>()?;
    if times.len() != call.shape(x).len() {
        return refuse(format!("{} repeats for {} axes", times.len(), call.shape(x).len()));
    }
    one(call.apply(|graph, name| functions::tile(graph, x, &times, name))?)
}

/// NumPy's broadcasting to a shape, in which 1 leaves an axis as it is.
pub(super) fn expand(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let given = call.sizes(1)?;
    let own = call.shape(x);
    let rank = own.len().max(given.list.len());
    let mut shape = Vec::with_capacity(rank);
    for position in 0..rank {
        let of_x = (position + own.len()).checked_sub(rank).map_or(1, |axis| own[axis]);
        let wanted = (position + given.list.len()).checked_sub(rank).map(|axis| given.list[axis]);
        shape.push(match wanted {
            None | Some(1) => of_x,
            Some(size) => match usize::try_from(size) {
                Ok(size) => size,
                Err(_) => return refuse(format!("its shape has {size} for axis {position}")),
            },
        });
    }
    one(call.add(ops::Expand { shape }, &[x])?)
}
