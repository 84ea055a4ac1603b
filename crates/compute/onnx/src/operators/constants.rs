//! Tensors given within a node.

use super::Values;
use crate::call::Call;
use crate::error::refuse;
use crate::value::{Sizes, Value};

/// As private as an initializer, under the name of the node's output.
pub(super) fn constant(call: &mut Call<'_, '_>) -> Values {
    let output = call.output().to_string();
    if let Some(tensor) = call.tensor("value")? {
        return Ok(vec![Value::Tensor(output, tensor.clone())]);
    }
    if let Some(ints) = call.ints("value_ints")? {
        return Ok(vec![Value::Sizes(Sizes::vector(ints.to_vec())?)]);
    }
    if let Some(int) = call.int("value_int")? {
        return Ok(vec![Value::Sizes(Sizes { list: vec![int], is_scalar: true })]);
    }
    refuse("a constant that is neither dense numbers nor integers is not supported")
}
