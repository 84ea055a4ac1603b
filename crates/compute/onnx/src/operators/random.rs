//! What is drawn: numbers and bits that nobody knows, anew in every evaluation.
//!
//! A `seed` is not followed, and a note says so. ONNX leaves the generator to who runs a model, so that a seed promises no
//! numbers, only that one program repeats its own; and numbers that follow from a seed of the file would be known to everyone
//! who has the file. Exporters write seeds that nobody asked for, so that a refusal would only be in the way.

use tacita_graph::{DType, NodeId, functions, ops};

use super::logic::cast_to;
use super::{Values, one};
use crate::call::{Call, checked_count};
use crate::error::{Fault, refuse};
use crate::file::tensor::{dtype, named};
use crate::value::Value;

pub(super) fn random_uniform(call: &mut Call<'_, '_>) -> Values {
    let shape = declared_shape(call)?;
    uniform(call, &shape)
}

pub(super) fn random_uniform_like(call: &mut Call<'_, '_>) -> Values {
    let shape = shape_like(call)?;
    uniform(call, &shape)
}

pub(super) fn random_normal(call: &mut Call<'_, '_>) -> Values {
    let shape = declared_shape(call)?;
    normal(call, &shape)
}

pub(super) fn random_normal_like(call: &mut Call<'_, '_>) -> Values {
    let shape = shape_like(call)?;
    normal(call, &shape)
}

fn uniform(call: &mut Call<'_, '_>, shape: &[usize]) -> Values {
    let (low, high) = (call.float_or("low", 0.0)?, call.float_or("high", 1.0)?);
    note_seed(call)?;
    one(call.apply(|graph, name| functions::uniform(graph, shape, low, high, name))?)
}

fn normal(call: &mut Call<'_, '_>, shape: &[usize]) -> Values {
    let (mean, deviation) = (call.float_or("mean", 0.0)?, call.float_or("scale", 1.0)?);
    note_seed(call)?;
    one(call.apply(|graph, name| functions::normal(graph, shape, mean, deviation, name))?)
}

/// Bits that are 1 with the probabilities given, which may be anyone's: exactly, of the numbers that fixed point has for them.
pub(super) fn bernoulli(call: &mut Call<'_, '_>) -> Values {
    let p = call.operand(0)?;
    if call.dtype(p) != DType::Fixed {
        return refuse(format!("its probabilities are of kind {}, and must be floats", call.dtype(p)));
    }
    let to = match call.int("dtype")? {
        Some(element) => kind_of(element)?,
        None => DType::Fixed,
    };
    note_seed(call)?;
    let shape = call.shape(p);
    let below = call.apply(|graph, name| functions::uniform(graph, &shape, 0.0, 1.0, name))?;
    let bit = call.add(ops::Less, &[below, p])?;
    cast_to(call, bit, to)
}

/// The identity, unless the file asks for training. The second output says which elements are kept.
pub(super) fn dropout(call: &mut Call<'_, '_>) -> Values {
    // An attribute up to version 11, which know no training.
    let _ = call.raw_float("ratio")?;
    let name = call.name();
    if call.optional_ints(2)?.is_some_and(|training| training != [0]) {
        note_seed(call)?;
        call.scope.notes.push(format!("Dropout {name:?} drops elements: its training_mode is set."));
        let x = call.operand(0)?;
        let ratio = call.optional_number(1)?.unwrap_or(0.5);
        let (y, mask) = call.apply(|graph, name| functions::dropout_and_mask(graph, x, ratio, name))?;
        return Ok(vec![Value::Node(y), Value::Node(mask)]);
    }
    let _ = call.int("seed")?;
    call.scope.notes.push(format!("Dropout {name:?} is ignored: it does nothing outside of training."));
    let mut values = vec![call.value(0)?];
    if call.has_output(1) {
        let x = call.operand(0)?;
        let (_, mask) = call.apply(|graph, name| functions::dropout_and_mask(graph, x, 0.0, name))?;
        values.push(Value::Node(mask));
    }
    Ok(values)
}

/// The shape that a node declares.
fn declared_shape(call: &Call<'_, '_>) -> Result<Vec<usize>, Fault> {
    let Some(sizes) = call.ints("shape")? else {
        return refuse("it has no shape");
    };
    if let Some(element) = call.int("dtype")? {
        real(element)?;
    }
    sizes.iter().map(|&size| checked_count("shape", size)).collect()
}

/// The shape of the input, and no more of it.
fn shape_like(call: &mut Call<'_, '_>) -> Result<Vec<usize>, Fault> {
    let like: NodeId = match call.value(0)? {
        Value::Softmax(softmax) => softmax.logits,
        other => call.scope.node(&other)?,
    };
    match call.int("dtype")? {
        Some(element) => real(element)?,
        None if call.dtype(like) != DType::Fixed => {
            return refuse(format!(
                "its type is that of its input, of kind {}; only floats are supported",
                call.dtype(like)
            ));
        }
        None => {}
    }
    Ok(call.shape(like))
}

/// Refuses types that are not of real numbers.
fn real(element: i64) -> Result<(), Fault> {
    match kind_of(element)? {
        DType::Fixed => Ok(()),
        _ => {
            let name = named(u64::try_from(element).unwrap_or(0));
            refuse(format!("its type is {name}; only floats are supported"))
        }
    }
}

/// What numbers of a type are.
fn kind_of(element: i64) -> Result<DType, Fault> {
    let element = u64::try_from(element).unwrap_or(0);
    match dtype(element) {
        Some(dtype) => Ok(dtype),
        None => refuse(format!(
            "its type is {}; only floats, int32, int64 and bool are supported",
            named(element)
        )),
    }
}

/// A seed is of floats, that of `Dropout` of integers.
fn note_seed(call: &mut Call<'_, '_>) -> Result<(), Fault> {
    let is_given = match call.op() {
        "Dropout" => call.int("seed")?.is_some(),
        _ => call.raw_float("seed")?.is_some(),
    };
    if is_given {
        let (op, name) = (call.op(), call.name());
        call.scope.notes.push(format!(
            "{op} {name:?} does not follow its seed: what it draws is new in every evaluation, and nobody knows it."
        ));
    }
    Ok(())
}
