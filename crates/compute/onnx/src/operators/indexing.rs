//! Elements by public indices, and updates at them.

use tacita_graph::functions::{self, Reduction};
use tacita_graph::ops;

use super::selection::gather_at;
use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, refuse};
use crate::value::{Sizes, Value, axis};

/// Parts of data along an axis, at indices of the file or at secret ones; or elements of a shape.
pub(super) fn gather(call: &mut Call<'_, '_>) -> Values {
    let along = call.int("axis")?.unwrap_or(0);
    if !call.value(0)?.is_integers() {
        if !call.value(1)?.is_integers() {
            return gather_at(call);
        }
        let x = call.operand(0)?;
        let axis = axis(along, call.shape(x).len())? as isize;
        let indices = call.indices(1)?;
        return one(call.apply(|graph, name| functions::take(graph, x, &indices, axis, name))?);
    }
    let data = call.sizes(0)?;
    axis(along, 1)?;
    let indices = call.sizes(1)?;
    let mut list = Vec::with_capacity(indices.list.len());
    for index in indices.list {
        list.push(data.list[axis(index, data.list.len())?]);
    }
    Ok(vec![Value::Sizes(Sizes { list, is_scalar: indices.is_scalar })])
}

pub(super) fn gather_elements(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let axis = axis(call.int("axis")?.unwrap_or(0), call.shape(x).len())? as isize;
    let indices = call.indices(1)?;
    one(call.apply(|graph, name| functions::gather_elements(graph, x, &indices, axis, name))?)
}

pub(super) fn gather_nd(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let (indices, batch_dims) = (call.indices(1)?, call.count("batch_dims", 0)?);
    one(call.apply(|graph, name| functions::gather_nd(graph, x, &indices, batch_dims, name))?)
}

pub(super) fn scatter_elements(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let axis = axis(call.int("axis")?.unwrap_or(0), call.shape(x).len())? as isize;
    let (indices, updates, reduction) = (call.indices(1)?, call.operand(2)?, reduction(call)?);
    one(call.apply(|graph, name| {
        functions::scatter_elements(graph, x, &indices, updates, axis, reduction, name)
    })?)
}

pub(super) fn scatter_nd(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let (indices, updates, reduction) = (call.indices(1)?, call.operand(2)?, reduction(call)?);
    one(call.apply(|graph, name| functions::scatter_nd(graph, x, &indices, updates, reduction, name))?)
}

fn reduction(call: &Call<'_, '_>) -> Result<Reduction, Fault> {
    match call.text("reduction")?.unwrap_or("none") {
        "none" | "" => Ok(Reduction::Replace),
        "add" => Ok(Reduction::Add),
        "mul" => Ok(Reduction::Mul),
        "max" => Ok(Reduction::Max),
        "min" => Ok(Reduction::Min),
        other => refuse(format!("reduction {other:?} is unknown")),
    }
}

/// Those parts of data along an axis, or of its elements without one, that bits of the file say.
pub(super) fn compress(call: &mut Call<'_, '_>) -> Values {
    let mut x = call.operand(0)?;
    let axis = match call.int("axis")? {
        Some(along) => axis(along, call.shape(x).len())?,
        None => {
            let shape = call.shape(x);
            x = call.add(ops::Reshape { shape: vec![shape.iter().product()] }, &[x])?;
            0
        }
    };
    let places = call.indices(1)?.into_iter().zip(0..);
    let kept: Vec<i64> = places.filter(|(bit, _)| *bit != 0).map(|(_, place)| place).collect();
    let kept = ndarray::Array1::from(kept).into_dyn();
    one(call.apply(|graph, name| functions::take(graph, x, &kept, axis as isize, name))?)
}

/// Matrices with zeros on one side of a diagonal.
pub(super) fn trilu(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let k = match call.optional_ints(1)?.as_deref() {
        None => 0,
        Some(&[k]) => isize::try_from(k).unwrap_or(isize::MAX),
        Some(_) => return refuse("it has several diagonals"),
    };
    let function = if call.int("upper")?.unwrap_or(1) != 0 { functions::triu } else { functions::tril };
    one(call.apply(|graph, name| function(graph, x, k, name))?)
}
