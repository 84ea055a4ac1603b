//! Shapes as values: what exporters write to compute the arguments of a reshape. Nothing here is in the graph.

use tacita_graph::{DType, ops};

use super::logic::cast_to;
use super::{Values, one};
use crate::call::{Call, checked_count};
use crate::error::{Fault, refuse};
use crate::file::tensor::{self, element, named};
use crate::value::{Reals, Size, Sizes, Softmax, Value};

pub(super) fn shape(call: &mut Call<'_, '_>) -> Values {
    let list: Vec<Size> = match call.value(0)? {
        Value::Softmax(Softmax { logits: x, .. }) | Value::Node(x) => {
            call.shape(x).into_iter().map(|size| size as i64).collect()
        }
        Value::Tensor(_, tensor) => tensor.shape()?.into_iter().map(|size| size as i64).collect(),
        Value::Sizes(Sizes { is_scalar: true, .. }) | Value::Reals(Reals { is_scalar: true, .. }) => vec![],
        Value::Sizes(sizes) => vec![sizes.list.len() as i64],
        Value::Reals(reals) => vec![reals.list.len() as i64],
    };
    let rank = list.len() as i64;
    let bound =
        |bound: i64| (if bound < 0 { bound.saturating_add(rank) } else { bound }).clamp(0, rank) as usize;
    let (start, end) = (bound(call.int("start")?.unwrap_or(0)), bound(call.int("end")?.unwrap_or(rank)));
    Ok(vec![Value::Sizes(Sizes::vector(list.get(start..end).unwrap_or_default().to_vec())?)])
}

/// The number of elements.
pub(super) fn size(call: &mut Call<'_, '_>) -> Values {
    let list = match call.value(0)? {
        Value::Sizes(sizes) => Some(sizes.list.len()),
        Value::Reals(reals) => Some(reals.list.len()),
        _ => None,
    };
    if let Some(count) = list {
        return Ok(vec![Value::Sizes(Sizes { list: vec![count as i64], is_scalar: true })]);
    }
    let x = call.operand(0)?;
    let sizes = Sizes::vector(call.shape(x).into_iter().map(|size| size as i64).collect())?.list;
    match sizes.iter().try_fold(1i64, |product, size| product.checked_mul(*size)) {
        Some(product) => Ok(vec![Value::Sizes(Sizes { list: vec![product], is_scalar: true })]),
        None => refuse("a shape too large"),
    }
}

/// Integers from one to another.
pub(super) fn range(call: &mut Call<'_, '_>) -> Values {
    let mut bounds = [0; 3];
    for (index, bound) in bounds.iter_mut().enumerate() {
        let &[number] = call.sizes(index)?.list.as_slice() else { return refuse("a bound is a list") };
        *bound = number;
    }
    let [start, limit, step] = bounds.map(i128::from);
    if step == 0 {
        return refuse("a step is 0");
    }
    let count = ((limit - start + step - step.signum()) / step).max(0);
    // One that is too long is refused, and needs not be made whole for that.
    let at = |index: i128| (start + index * step) as i64;
    Ok(vec![Value::Sizes(Sizes::vector((0..count.min(1 << 11)).map(at).collect())?)])
}

/// A shape filled with one number: real ones are a public tensor, integers serve to compute shapes.
pub(super) fn constant_of_shape(call: &mut Call<'_, '_>) -> Values {
    let sizes = call.sizes(0)?;
    let value = call.tensor("value")?.map(|tensor| Value::Tensor("value".to_string(), tensor.clone()));
    if let Some(value) = value.as_ref().filter(|value| value.is_integers()) {
        let filler = call.scope.sizes(value, call.name())?;
        let (&[count], &[filler]) = (sizes.list.as_slice(), filler.list.as_slice()) else {
            return refuse("integers in more than one axis");
        };
        let count = usize::try_from(count).unwrap_or(0).min(1 << 11);
        return Ok(vec![Value::Sizes(Sizes::vector(vec![filler; count])?)]);
    }
    let value = match value {
        Some(value) => call.scope.public_number(&value, call.name())?,
        None => {
            call.scope.publish("value", "0".to_string(), call.name());
            0.0
        }
    };
    let size = |size: &Size| checked_count("shape", *size);
    let shape = sizes.list.iter().map(size).collect::<Result<Vec<_>, Fault>>()?;
    one(call.add(ops::Constant { shape, value }, &[])?)
}

/// Of data to any kind; of tensors of the file and of shapes likewise. Between float types, and between integer types, it
/// changes nothing here.
pub(super) fn cast(call: &mut Call<'_, '_>) -> Values {
    let to = call.int("to")?.and_then(|to| u64::try_from(to).ok()).unwrap_or(0);
    cast_value(call, to)
}

/// To the type of the second input.
pub(super) fn cast_like(call: &mut Call<'_, '_>) -> Values {
    let to = match call.value(1)? {
        Value::Tensor(_, tensor) => tensor.element,
        Value::Node(id) => element(call.dtype(id)),
        Value::Sizes(_) => element(DType::Int),
        Value::Reals(_) | Value::Softmax(_) => element(DType::Fixed),
    };
    cast_value(call, to)
}

fn cast_value(call: &mut Call<'_, '_>, to: u64) -> Values {
    let _ = (call.int("saturate")?, call.text("round_mode")?);
    let Some(dtype) = tensor::dtype(to) else {
        return refuse(format!("the conversion to {} is not supported", named(to)));
    };
    let from_integer = |size: Size| match dtype {
        DType::Bit => Some(i64::from(size != 0)),
        DType::Fixed | DType::Int => Some(size),
    };
    Ok(vec![match call.value(0)? {
        Value::Node(id) => return cast_to(call, id, dtype),
        Value::Tensor(_, tensor) if tensor::dtype(tensor.element) != Some(dtype) => {
            call.scope.converted(&tensor, dtype, call.output())?
        }
        Value::Sizes(sizes) if dtype == DType::Fixed => {
            let list = sizes.list.into_iter().map(|size| size as f64).collect();
            Value::Reals(Reals { list, is_scalar: sizes.is_scalar })
        }
        Value::Sizes(sizes) => Value::Sizes(sizes.zip(&sizes, |size, _| from_integer(size))?),
        Value::Reals(Reals { list, is_scalar }) if dtype != DType::Fixed => {
            let list = list.into_iter().filter_map(|real| from_integer(real as i64)).collect();
            Value::Sizes(Sizes { list, is_scalar })
        }
        Value::Softmax(_) if dtype != DType::Fixed => {
            let id = call.operand(0)?;
            return cast_to(call, id, dtype);
        }
        other => other,
    }])
}
