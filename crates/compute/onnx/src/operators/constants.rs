//! Tensors given within a node.

use std::sync::Arc;

use super::Values;
use crate::call::Call;
use crate::error::refuse;
use crate::file::messages::Tensor;
use crate::value::{Size, Sizes, Value};

/// As private as an initializer, under the name of the node's output.
pub(super) fn constant(call: &mut Call<'_, '_>) -> Values {
    let output = call.output().to_string();
    if let Some(tensor) = call.tensor("value")? {
        return Ok(vec![Value::Tensor(output, tensor.clone())]);
    }
    if let Some(floats) = call.floats("value_floats")? {
        return Ok(vec![floats_value(output, vec![floats.len() as i64], floats.to_vec())]);
    }
    if let Some(value) = call.raw_float("value_float")? {
        return Ok(vec![floats_value(output, Vec::new(), vec![value])]);
    }
    if let Some(ints) = call.ints("value_ints")? {
        return Ok(vec![Value::Sizes(Sizes::vector(ints.iter().copied().map(Size::Int).collect())?)]);
    }
    if let Some(int) = call.int("value_int")? {
        return Ok(vec![Value::Sizes(Sizes { list: vec![Size::Int(int)], is_scalar: true })]);
    }
    refuse("a constant that is neither dense numbers nor integers is not supported")
}

fn floats_value(name: String, dims: Vec<i64>, floats: Vec<f32>) -> Value {
    let tensor = Tensor { name: name.clone(), dims, element: 1, floats, ..Tensor::default() };
    Value::Tensor(name, Arc::new(tensor))
}
