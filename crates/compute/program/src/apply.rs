//! The linear and bilinear operations of a ring program on concrete tensors, the same for shares, masks, openings
//! and values in the clear.

use tacita_ring::{RingTensor, Sign, conv2d, conv2d_into, matmul, matmul_into, sum_pool2d};

use crate::operation::RingOp;

/// Applies a linear operation, `Pad` with its value: what clear values and openings undergo.
///
/// `shape` is the node's.
///
/// # Panics
/// If `op` is not [linear](RingOp::is_linear) or the inputs do not fit it.
pub fn linear(op: &RingOp, inputs: &[&RingTensor], shape: &[usize]) -> RingTensor {
    let padding = if let RingOp::Pad { value, .. } = op { *value } else { 0 };
    apply(op, inputs, shape, padding)
}

/// Applies the linear part of an operation, `Pad` with zero: what masks undergo, and all shares but one party's.
///
/// # Panics
/// As [`linear`].
pub fn linear_homogeneous(op: &RingOp, inputs: &[&RingTensor], shape: &[usize]) -> RingTensor {
    apply(op, inputs, shape, 0)
}

fn apply(op: &RingOp, inputs: &[&RingTensor], shape: &[usize], padding: i64) -> RingTensor {
    match op {
        RingOp::Add => inputs[0].add(inputs[1]),
        RingOp::Sub => inputs[0].sub(inputs[1]),
        RingOp::Neg => {
            let mut result = inputs[0].clone();
            result.negate();
            result
        }
        RingOp::Scale { factor } => {
            let mut result = inputs[0].clone();
            result.scale(*factor as u64);
            result
        }
        RingOp::Broadcast => inputs[0].broadcast_to(shape),
        RingOp::Reshape => inputs[0].clone().reshape(shape),
        RingOp::Transpose { perm } => inputs[0].transpose(perm),
        RingOp::Slice { starts, ends, steps } => inputs[0].slice(starts, ends, steps),
        RingOp::Gather { axis, indices } => inputs[0].take(*axis, indices),
        RingOp::Pad { before, after, .. } => inputs[0].pad(before, after, padding as u64),
        RingOp::Concat { axis } => RingTensor::concat(inputs, *axis),
        RingOp::Sum { axes, keepdims } => inputs[0].sum(axes, *keepdims),
        RingOp::SumPool { window } => sum_pool2d(inputs[0], window),
        _ => panic!("{} is not linear", op.name()),
    }
}

/// Adds to `out` (or, with [`Sign::Minus`], subtracts from it) the product of `x` and `y`.
///
/// # Panics
/// If `op` is not [bilinear](RingOp::is_bilinear) or the shapes do not fit it.
pub fn bilinear_into(op: &RingOp, out: &mut RingTensor, x: &RingTensor, y: &RingTensor, sign: Sign) {
    match op {
        RingOp::Mul => {
            let product = x.mul(y);
            match sign {
                Sign::Plus => out.add_assign(&product),
                Sign::Minus => out.sub_assign(&product),
            }
        }
        RingOp::MatMul => matmul_into(out, x, y, sign),
        RingOp::Conv { spec } => conv2d_into(out, x, y, spec, sign),
        _ => panic!("{} is not bilinear", op.name()),
    }
}

/// The product of `x` and `y` under a bilinear operation. `shape` is the node's.
///
/// # Panics
/// As [`bilinear_into`].
pub fn bilinear(op: &RingOp, x: &RingTensor, y: &RingTensor, shape: &[usize]) -> RingTensor {
    let product = match op {
        RingOp::Mul => x.mul(y),
        RingOp::MatMul => matmul(x, y),
        RingOp::Conv { spec } => conv2d(x, y, spec),
        _ => panic!("{} is not bilinear", op.name()),
    };
    debug_assert_eq!(product.shape(), shape);
    product
}
