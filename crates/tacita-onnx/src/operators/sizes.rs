//! Shapes as values: what exporters write to compute the arguments of a reshape. Nothing here is in the graph.

use tacita_graph::Kind;

use super::Values;
use super::logic::cast_to;
use super::selection::gather_at;
use crate::call::Call;
use crate::error::refuse;
use crate::file::tensor::{BOOL, element_name, is_float, is_integer};
use crate::value::{Size, Sizes, Value, axis};

pub(super) fn shape(call: &mut Call<'_, '_>) -> Values {
    let x = match call.value(0)? {
        Value::Softmax(softmax) => softmax.logits,
        other => call.scope.node(&other)?,
    };
    let list: Vec<Size> = call.shape(x).into_iter().map(Size::from).collect();
    let rank = list.len() as i64;
    let bound =
        |bound: i64| (if bound < 0 { bound.saturating_add(rank) } else { bound }).clamp(0, rank) as usize;
    let (start, end) = (bound(call.int("start")?.unwrap_or(0)), bound(call.int("end")?.unwrap_or(rank)));
    Ok(vec![Value::Sizes(Sizes::vector(list.get(start..end).unwrap_or_default().to_vec())?)])
}

/// Elements of a shape.
pub(super) fn gather(call: &mut Call<'_, '_>) -> Values {
    if !call.value(0)?.is_integers() {
        if call.value(1)?.is_integers() {
            return refuse("of data at indices from the file it is not supported yet");
        }
        return gather_at(call);
    }
    let data = call.sizes(0)?;
    axis(call.int("axis")?.unwrap_or(0), 1)?;
    let indices = call.sizes(1)?;
    let mut list = Vec::with_capacity(indices.list.len());
    for index in indices.ints()? {
        list.push(data.list[axis(index, data.list.len())?]);
    }
    Ok(vec![Value::Sizes(Sizes { list, is_scalar: indices.is_scalar })])
}

/// Of data to any type; of tensors of the file between float types, and between integer types, which changes nothing here.
pub(super) fn cast(call: &mut Call<'_, '_>) -> Values {
    let to = call.int("to")?.and_then(|to| u64::try_from(to).ok()).unwrap_or(0);
    let _ = (call.int("saturate")?, call.text("round_mode")?);
    let input = call.value(0)?;
    if let Value::Node(id) = input {
        let kind = match to {
            BOOL => Kind::Bit,
            _ if is_integer(to) => Kind::Int,
            _ if is_float(to) => Kind::Fixed,
            _ => return refuse(format!("the conversion to {} is not supported", element_name(to))),
        };
        return cast_to(call, id, kind);
    }
    let fits = match &input {
        Value::Sizes(_) => is_integer(to),
        Value::Tensor(_, tensor) => {
            is_float(tensor.element) == is_float(to) && is_integer(tensor.element) == is_integer(to)
        }
        Value::Softmax(_) => is_float(to),
        Value::Node(_) => true,
    };
    if fits {
        Ok(vec![input])
    } else {
        refuse(format!("the conversion to {} is not supported", element_name(to)))
    }
}
