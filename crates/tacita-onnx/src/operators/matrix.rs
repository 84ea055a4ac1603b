//! Matrix products.

use tacita_graph::{Dim, NodeId, dims, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, refuse};

/// alpha · a · b + beta · c, with a or b transposed if so said, and c broadcast.
pub(super) fn gemm(call: &mut Call<'_, '_>) -> Values {
    let (mut a, mut b) = (call.operand(0)?, call.operand(1)?);
    if call.shape(a).len() != 2 || call.shape(b).len() != 2 {
        return refuse("its first two inputs must be matrices");
    }
    if call.flag("transA")? {
        a = call.add(ops::Transpose { perm: vec![1, 0] }, &[a])?;
    }
    if call.flag("transB")? {
        b = call.add(ops::Transpose { perm: vec![1, 0] }, &[b])?;
    }
    // The factors go to the weights, where their owner multiplies in the clear.
    b = scaled(call, b, "alpha")?;
    let mut sum = call.add(ops::MatMul, &[a, b])?;
    let c = call.optional_operand(2)?;
    match c {
        Some(c) => {
            let c = scaled(call, c, "beta")?;
            sum = call.add(ops::Add, &[sum, c])?;
        }
        None => drop(call.raw_float("beta")?),
    }
    one(sum)
}

/// `x` times a public factor, which is 1 if absent.
fn scaled<'s>(call: &mut Call<'s, '_>, x: NodeId, attribute: &'s str) -> Result<NodeId, Fault> {
    match call.raw_float(attribute)? {
        None | Some(1.0) => Ok(x),
        Some(value) => {
            call.scope.publish(attribute, value.to_string(), call.name());
            let value = value.into();
            let factor = call.add(ops::Constant { shape: Vec::new(), value }, &[])?;
            call.add(ops::Mul, &[x, factor])
        }
    }
}

/// NumPy's matmul: a vector is a matrix of one row on the left and of one column on the right, dropped afterwards.
pub(super) fn mat_mul(call: &mut Call<'_, '_>) -> Values {
    let (mut a, mut b) = (call.operand(0)?, call.operand(1)?);
    let (row, column) = (call.shape(a).len() == 1, call.shape(b).len() == 1);
    if row {
        a = matrix(call, a, |size| [1, size])?;
    }
    if column {
        b = matrix(call, b, |size| [size, 1])?;
    }
    let product = call.add(ops::MatMul, &[a, b])?;
    if !row && !column {
        return one(product);
    }
    let mut shape = call.shape(product);
    if column {
        shape.pop();
    }
    if row {
        shape.remove(shape.len() - if column { 1 } else { 2 });
    }
    one(call.add(ops::Reshape { shape }, &[product])?)
}

fn matrix(call: &mut Call<'_, '_>, vector: NodeId, shape: fn(usize) -> [usize; 2]) -> Result<NodeId, Fault> {
    match call.shape(vector)[..] {
        [Dim::Known(size)] => call.add(ops::Reshape { shape: dims(&shape(size)) }, &[vector]),
        _ => refuse("the product over the batch is not supported"),
    }
}
