//! The best of an axis, and slices at indices that depend on data.

use tacita_graph::{DType, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::refuse;
use crate::value::{Value, axis};

/// The k best values along an axis and their indices, best first; the lower index first of equals.
pub(super) fn top_k(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let shape = call.shape(x);
    let axis = axis(call.int("axis")?.unwrap_or(-1), shape.len())?;
    let descending = call.int("largest")?.unwrap_or(1) != 0;
    let _unsorted_is_sorted_too = call.int("sorted")?;
    let k = match call.opset() {
        ..10 => call.int("k")?,
        _ => call.sizes(1)?.list.first().copied(),
    };
    let size = shape[axis];
    let Some(k) = k.and_then(|k| usize::try_from(k).ok()).filter(|&k| 0 < k && k <= size) else {
        return refuse(format!("k is {k:?} for an axis of {size}"));
    };
    let mut values = Vec::with_capacity(2);
    for sorted in
        [call.add(ops::Sort { axis, descending }, &[x])?, call.add(ops::ArgSort { axis, descending }, &[x])?]
    {
        let (starts, mut ends, steps) =
            (vec![0; shape.len()], vec![usize::MAX; shape.len()], vec![1; shape.len()]);
        ends[axis] = k;
        values.push(Value::Node(call.add(ops::Slice { starts, ends, steps }, &[sorted])?));
    }
    Ok(values)
}

/// `off` but `on` at each index, along a new axis.
pub(super) fn one_hot(call: &mut Call<'_, '_>) -> Values {
    let mut indices = call.operand_of(0, DType::Int)?;
    if call.dtype(indices) == DType::Fixed {
        let rounding = ops::ToWhole::TowardsZero;
        indices = call.add(ops::Cast { to: DType::Int, rounding }, &[indices])?;
    }
    let rank = call.shape(indices).len();
    let place = axis(call.int("axis")?.unwrap_or(-1), rank + 1)?;
    let depth = match call.value(1)? {
        value if value.is_integers() => match call.sizes(1)?.list[..] {
            [depth] => usize::try_from(depth).unwrap_or(0),
            _ => return refuse("its depth is not one number"),
        },
        // Other types are allowed, too.
        _ => call.optional_number(1)?.unwrap_or(0.0) as usize,
    };
    let values = call.operand_of(2, DType::Fixed)?;
    let mut bits = call.add(ops::OneHot { depth }, &[indices])?;
    if place < rank {
        let mut perm: Vec<usize> = (0..rank).collect();
        perm.insert(place, rank);
        bits = call.add(ops::Transpose { perm }, &[bits])?;
    }
    let mut value = |at: usize| {
        let slice = ops::Slice { starts: vec![at], ends: vec![at + 1], steps: vec![1] };
        call.add(slice, &[values])
    };
    let (off, on) = (value(0)?, value(1)?);
    one(call.add(ops::Select, &[bits, on, off])?)
}

/// Slices of data at indices that depend on data: the parties do not learn which.
pub(super) fn gather_at(call: &mut Call<'_, '_>) -> Values {
    let table = call.operand(0)?;
    let mut indices = call.operand(1)?;
    if call.dtype(indices) == DType::Fixed {
        let rounding = ops::ToWhole::TowardsZero;
        indices = call.add(ops::Cast { to: DType::Int, rounding }, &[indices])?;
    }
    let shape = call.shape(table);
    let axis = axis(call.int("axis")?.unwrap_or(0), shape.len())?;
    let depth = shape[axis];
    let bits = call.add(ops::OneHot { depth }, &[indices])?;
    one(call.add(ops::Pick { axis }, &[table, bits])?)
}
