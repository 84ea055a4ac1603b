//! The same elements in other shapes.

use tacita_graph::{MAX_RANK, NodeId, ops, show};

use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, refuse};
use crate::value::{Size, Sizes, Value, axes, axis};

/// A matrix: the axes before the given one merged, and the others.
pub(super) fn flatten(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let shape = call.shape(x);
    // Unlike elsewhere, the axis may be one past the last.
    let split = match call.int("axis")?.unwrap_or(1) {
        end if usize::try_from(end) == Ok(shape.len()) => shape.len(),
        other => axis(other, shape.len())?,
    };
    let (rows, columns) = shape.split_at(split);
    let shape = vec![merged(rows)?, merged(columns)?];
    one(call.add(ops::Reshape { shape }, &[x])?)
}

/// The size of several axes as one.
fn merged(shape: &[usize]) -> Result<usize, Fault> {
    known(shape).map_or_else(|| refuse("a shape too large"), Ok)
}

/// The product of all sizes.
fn known(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))
}

pub(super) fn reshape(call: &mut Call<'_, '_>) -> Values {
    let allow_zero = call.flag("allowzero")?;
    let target = match call.ints("shape")? {
        Some(shape) => Sizes::vector(shape.to_vec())?,
        None => call.sizes(1)?,
    };
    if call.value(0)?.is_integers() {
        let sizes = call.sizes(0)?;
        let is_scalar = target.list.is_empty() && sizes.list.len() == 1;
        if !is_scalar && target.list.len() != 1 {
            return refuse("a shape reshaped to other than a vector");
        }
        return Ok(vec![Value::Sizes(Sizes { is_scalar, ..sizes })]);
    }
    let x = call.operand(0)?;
    let shape = target_shape(&call.shape(x), &target.list, allow_zero)?;
    one(call.add(ops::Reshape { shape }, &[x])?)
}

/// Resolves 0 (as in the input) and -1 (what is left).
fn target_shape(from: &[usize], target: &[Size], allow_zero: bool) -> Result<Vec<usize>, Fault> {
    let mut shape = Vec::with_capacity(target.len());
    let mut free = None;
    for (position, size) in target.iter().enumerate() {
        shape.push(match *size {
            0 if !allow_zero => match from.get(position) {
                Some(dim) => *dim,
                None => return refuse(format!("its shape copies axis {position}, which the input lacks")),
            },
            -1 if free.is_none() => {
                free = Some(position);
                1
            }
            size => match usize::try_from(size) {
                Ok(size) => size,
                Err(_) => return refuse(format!("its shape has {size} for axis {position}")),
            },
        });
    }
    let (Some(elements), Some(taken)) = (known(from), known(&shape)) else {
        return refuse("a shape too large");
    };
    match free {
        Some(position) if taken > 0 && elements.is_multiple_of(taken) => {
            shape[position] = elements / taken;
        }
        None => {}
        Some(_) => return refuse(format!("{} cannot become {target:?}", show(from))),
    }
    Ok(shape)
}

/// Axes are an attribute up to version 12, an input since. Without any, all axes of size 1 go.
pub(super) fn squeeze(call: &mut Call<'_, '_>) -> Values {
    let given = axes_given(call)?;
    if let Some(scalar) = resized(call, true)? {
        return Ok(vec![scalar]);
    }
    let x = call.operand(0)?;
    let shape = call.shape(x);
    let dropped = match given {
        Some(list) => axes(&list, shape.len())?,
        None => (0..shape.len()).filter(|&axis| shape[axis] == 1).collect(),
    };
    if let Some(&kept) = dropped.iter().find(|&&axis| shape[axis] != 1) {
        return refuse(format!("axis {kept} of {} has not size 1", show(&shape)));
    }
    let keep = |(axis, &dim): (usize, &usize)| (!dropped.contains(&axis)).then_some(dim);
    let shape = shape.iter().enumerate().filter_map(keep).collect();
    reshaped(call, x, shape)
}

/// The given axes, of size 1, are new in the result.
pub(super) fn unsqueeze(call: &mut Call<'_, '_>) -> Values {
    let Some(list) = axes_given(call)? else { return refuse("it has no axes") };
    if let Some(vector) = resized(call, false)? {
        return Ok(vec![vector]);
    }
    let x = call.operand(0)?;
    let mut shape = call.shape(x);
    if shape.len() + list.len() > MAX_RANK {
        return refuse(format!("a result of more than {MAX_RANK} axes"));
    }
    for axis in axes(&list, shape.len() + list.len())? {
        shape.insert(axis, 1);
    }
    reshaped(call, x, shape)
}

fn axes_given(call: &mut Call<'_, '_>) -> Result<Option<Vec<i64>>, Fault> {
    match call.ints("axes")? {
        Some(list) => Ok(Some(list.to_vec())),
        None => call.optional_ints(1),
    }
}

/// If the input is sizes: the single one as a scalar, or a scalar as a vector.
fn resized(call: &mut Call<'_, '_>, is_scalar: bool) -> Result<Option<Value>, Fault> {
    if !call.value(0)?.is_integers() {
        return Ok(None);
    }
    let sizes = call.sizes(0)?;
    if sizes.is_scalar == is_scalar || sizes.list.len() != 1 {
        return refuse("shapes with more than one axis are not supported");
    }
    Ok(Some(Value::Sizes(Sizes { is_scalar, ..sizes })))
}

fn reshaped(call: &mut Call<'_, '_>, x: NodeId, shape: Vec<usize>) -> Values {
    one(call.add(ops::Reshape { shape }, &[x])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [usize; 3] = [5, 4, 6];

    #[test]
    fn what_is_left_is_found() {
        for target in [&[-1, 24][..], &[0, 24], &[0, -1], &[5, -1]] {
            assert_eq!(target_shape(&X, target, false).unwrap(), [5, 24], "{target:?}");
        }
        assert_eq!(target_shape(&X, &[-1, 0, 3, 2], false).unwrap()[..2], [5, 4]);
        for target in [&[-1, -1][..], &[0, 7, -1], &[0, 0, 0, 0], &[-2, 5]] {
            assert!(target_shape(&X, target, false).is_err(), "{target:?}");
        }
    }

    #[test]
    fn known_shapes() {
        let x = [2, 12];
        assert_eq!(target_shape(&x, &[0, 3, -1], false).unwrap(), [2, 3, 4]);
        assert!(target_shape(&x, &[0, -1], true).is_err());
    }
}
