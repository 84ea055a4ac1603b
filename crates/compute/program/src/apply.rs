//! The linear and bilinear operations of a ring program on tensors: values in the clear, and whatever parts of values an
//! evaluator adds up.

use tacita_ring::{ConvSpec, RingTensor, Sign, conv2d, conv2d_into, matmul, matmul_into, sum_pool2d};

use crate::operation::RingOp;

/// Applies a linear operation, `Pad` with its value.
///
/// `shape` is the node's.
///
/// # Panics
/// If `op` is not [linear](RingOp::is_linear) or the inputs do not fit it.
pub fn linear(op: &RingOp, inputs: &[&RingTensor], shape: &[usize]) -> RingTensor {
    let padding = if let RingOp::Pad { value, .. } = op { *value } else { 0 };
    apply(op, inputs, shape, padding)
}

/// Applies the linear part of an operation, `Pad` with zero: for parts of a value, all but one of them.
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
        RingOp::Input { .. }
        | RingOp::Constant { .. }
        | RingOp::ConstantTensor { .. }
        | RingOp::Mul
        | RingOp::MatMul
        | RingOp::Conv { .. }
        | RingOp::Truncate { .. }
        | RingOp::LessThanZero { .. }
        | RingOp::OneHotArgmax { .. }
        | RingOp::Select { .. }
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::AndBits
        | RingOp::EqualZero { .. }
        | RingOp::RoundedUp { .. }
        | RingOp::Sort { .. }
        | RingOp::OneHot { .. }
        | RingOp::LessThanPairs { .. }
        | RingOp::SelectLargest { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::Bucketize { .. }
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. }
        | RingOp::SelectScale { .. }
        | RingOp::Random { .. } => panic!("{} is not linear", op.name()),
    }
}

/// Adds to `out` (or, with [`Sign::Minus`], subtracts from it) the product of `x` and `y`.
///
/// # Panics
/// If `op` is not [bilinear](RingOp::is_bilinear) or the shapes do not fit it.
pub fn bilinear_into(op: &RingOp, out: &mut RingTensor, x: &RingTensor, y: &RingTensor, sign: Sign) {
    match Product::of(op) {
        Product::Elementwise => {
            let product = x.mul(y);
            match sign {
                Sign::Plus => out.add_assign(&product),
                Sign::Minus => out.sub_assign(&product),
            }
        }
        Product::Matrix => matmul_into(out, x, y, sign),
        Product::Convolution(spec) => conv2d_into(out, x, y, spec, sign),
    }
}

/// The product of `x` and `y` under a bilinear operation. `shape` is the node's.
///
/// # Panics
/// As [`bilinear_into`].
pub fn bilinear(op: &RingOp, x: &RingTensor, y: &RingTensor, shape: &[usize]) -> RingTensor {
    let product = match Product::of(op) {
        Product::Elementwise => x.mul(y),
        Product::Matrix => matmul(x, y),
        Product::Convolution(spec) => conv2d(x, y, spec),
    };
    debug_assert_eq!(product.shape(), shape);
    product
}

/// A bilinear operation.
enum Product<'a> {
    Elementwise,
    Matrix,
    Convolution(&'a ConvSpec),
}

impl Product<'_> {
    fn of(op: &RingOp) -> Product<'_> {
        match op {
            RingOp::Mul => Product::Elementwise,
            RingOp::MatMul => Product::Matrix,
            RingOp::Conv { spec } => Product::Convolution(spec),
            RingOp::Input { .. }
            | RingOp::Constant { .. }
            | RingOp::ConstantTensor { .. }
            | RingOp::Add
            | RingOp::Sub
            | RingOp::Neg
            | RingOp::Scale { .. }
            | RingOp::Broadcast
            | RingOp::Reshape
            | RingOp::Transpose { .. }
            | RingOp::Slice { .. }
            | RingOp::Gather { .. }
            | RingOp::Pad { .. }
            | RingOp::Concat { .. }
            | RingOp::Sum { .. }
            | RingOp::SumPool { .. }
            | RingOp::Truncate { .. }
            | RingOp::LessThanZero { .. }
            | RingOp::OneHotArgmax { .. }
            | RingOp::Select { .. }
            | RingOp::NotBits
            | RingOp::XorBits
            | RingOp::AndBits
            | RingOp::EqualZero { .. }
            | RingOp::RoundedUp { .. }
            | RingOp::Sort { .. }
            | RingOp::OneHot { .. }
            | RingOp::LessThanPairs { .. }
            | RingOp::SelectLargest { .. }
            | RingOp::Reveal { .. }
            | RingOp::Keep
            | RingOp::Bucketize { .. }
            | RingOp::FourierSum { .. }
            | RingOp::Exponential { .. }
            | RingOp::BitToArithmetic { .. }
            | RingOp::SelectScale { .. }
            | RingOp::Random { .. } => panic!("{} is not bilinear", op.name()),
        }
    }
}
