//! The primitives, one file each: the correlations and openings of a task (`steps`), and a party's part of it (`run`). A new
//! one is a file here and a line in each match below.

mod and_bits;
mod bit_to_arithmetic;
mod bucketize;
mod compare;
#[cfg(test)]
mod definitions;
mod equal_zero;
mod exponential;
mod fourier_sum;
mod keep;
mod less_than_pairs;
mod less_than_zero;
mod linear;
mod one_hot;
mod one_hot_argmax;
mod product;
mod random;
mod reveal;
mod rounded_up;
mod select;
mod select_largest;
mod select_scale;
mod sort;
mod truncate;

use tacita_correlations::Bilinear;
use tacita_program::{RingId, RingOp, RingType, Visibility};

use crate::error::MpcError;
use crate::output::Output;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::{Values, is_product};

/// What the node's task receives and opens, from types alone.
pub(crate) fn steps(values: &Values<'_>, id: RingId) -> Steps {
    let (program, node) = (values.program, values.node(id));
    if node.visibility == Visibility::Public {
        return Steps::default();
    }
    match &node.op {
        RingOp::Mul if is_product(program, node) => product::steps(values, node, Bilinear::Mul),
        RingOp::MatMul if is_product(program, node) => product::steps(values, node, Bilinear::MatMul),
        RingOp::Conv { spec } if is_product(program, node) => {
            product::steps(values, node, Bilinear::Conv(*spec))
        }
        RingOp::Truncate { bits } => truncate::steps(node, *bits),
        RingOp::LessThanZero { bits } => less_than_zero::steps(node, *bits),
        RingOp::OneHotArgmax { bits } => one_hot_argmax::steps(values, node, *bits),
        RingOp::Select { truncate } => select::steps(program, node, truncate),
        RingOp::LessThanPairs { bits } => less_than_pairs::steps(values, node, *bits),
        RingOp::SelectLargest { truncate } => select_largest::steps(program, node, *truncate),
        RingOp::AndBits => and_bits::steps(node),
        RingOp::EqualZero { bits } => equal_zero::steps(node, *bits),
        RingOp::RoundedUp { bits } => rounded_up::steps(node, *bits),
        RingOp::Sort { bits, .. } => sort::steps(node, values.parties, *bits),
        RingOp::OneHot { bits } => one_hot::steps(node, *bits),
        RingOp::Reveal { to } => reveal::steps(program, node, values.owners, to),
        RingOp::Bucketize { thresholds, bits } => bucketize::steps(node, thresholds, *bits),
        RingOp::FourierSum { sum } => fourier_sum::steps(node, sum),
        RingOp::Exponential { spec } => exponential::steps(node, spec),
        RingOp::BitToArithmetic { plane } => bit_to_arithmetic::steps(node, *plane),
        RingOp::SelectScale { factors, truncate } => select_scale::steps(node, factors, *truncate),
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
        | RingOp::Mul
        | RingOp::MatMul
        | RingOp::Conv { .. }
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::Keep
        | RingOp::Random { .. } => Steps::default(),
    }
}

/// A party's part of the node.
pub(crate) async fn run(ctx: TaskContext<'_>, id: RingId) -> Result<Output, MpcError> {
    let plan = ctx.plan();
    let node = plan.node(id);
    match &node.op {
        RingOp::Input { .. } | RingOp::Constant { .. } | RingOp::ConstantTensor { .. } => Ok(Output::Nothing),
        RingOp::Reveal { .. } => reveal::run(ctx, node).await,
        RingOp::Keep => keep::run(ctx, node),
        _ if node.visibility == Visibility::Public => linear::public(ctx, node),
        RingOp::Mul | RingOp::MatMul | RingOp::Conv { .. } if is_product(plan.program(), node) => {
            product::run(ctx)
        }
        RingOp::Truncate { bits } => truncate::run(ctx, node, *bits),
        RingOp::LessThanZero { bits } => less_than_zero::run(ctx, node, *bits).await,
        RingOp::OneHotArgmax { bits } => one_hot_argmax::run(ctx, node, *bits).await,
        RingOp::Select { truncate } => select::run(ctx, node, truncate),
        RingOp::Bucketize { thresholds, bits } => bucketize::run(ctx, node, thresholds, *bits).await,
        RingOp::FourierSum { sum } => fourier_sum::run(ctx, node, sum),
        RingOp::Exponential { spec } => exponential::run(ctx, node, spec).await,
        RingOp::BitToArithmetic { plane } => bit_to_arithmetic::run(ctx, node, *plane),
        RingOp::SelectScale { factors, truncate } => select_scale::run(ctx, node, factors, *truncate),
        RingOp::NotBits | RingOp::XorBits => linear::bits(ctx, node),
        RingOp::LessThanPairs { bits } => less_than_pairs::run(ctx, node, *bits).await,
        RingOp::SelectLargest { truncate } => select_largest::run(ctx, node, *truncate),
        RingOp::AndBits => and_bits::run(ctx, node),
        RingOp::EqualZero { bits } => equal_zero::run(ctx, node, *bits).await,
        RingOp::RoundedUp { bits } => rounded_up::run(ctx, node, *bits).await,
        RingOp::Sort { shift, bits } => sort::run(ctx, node, *shift, *bits).await,
        RingOp::OneHot { bits } => one_hot::run(ctx, node, *bits),
        RingOp::Random { .. } => random::run(ctx, node),
        RingOp::Add
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
        | RingOp::Mul
        | RingOp::MatMul
        | RingOp::Conv { .. } => match node.ty {
            RingType::Bits { .. } => linear::move_bits(ctx, node),
            RingType::Ring { .. } => linear::run(ctx, id, node),
        },
    }
}

pub(crate) use product::{ahead_of_dealer, prepare, products};
pub(crate) use truncate::clear as truncate_clear;
