//! Matrix products.

use tacita_graph::{NodeId, functions, ops};

use super::{Values, one};
use crate::call::Call;
use crate::error::{Fault, corrupt, refuse};

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

/// NumPy's matmul.
pub(super) fn mat_mul(call: &mut Call<'_, '_>) -> Values {
    let (a, b) = (call.operand(0)?, call.operand(1)?);
    one(call.apply(|graph, name| functions::mat_mul(graph, a, b, name))?)
}

/// Sums of products that an equation describes.
pub(super) fn einsum(call: &mut Call<'_, '_>) -> Values {
    let Some(equation) = call.text("equation")? else { return corrupt("an Einsum without equation") };
    let mut operands = Vec::with_capacity(call.inputs());
    for index in 0..call.inputs() {
        operands.push(call.operand(index)?);
    }
    one(call.apply(|graph, name| functions::einsum(graph, equation, &operands, name))?)
}
