//! Widths: how many low bits of each value are opened.

use tacita_program::{RingId, RingOp, RingProgram};

use super::forms::demands;
use crate::form::Form;

/// How many low bits of its inputs' masked values a node computes on, if it does.
fn bits_used(op: &RingOp) -> u32 {
    match op {
        // the sign is the bit above
        RingOp::LessThanZero { bits }
        | RingOp::OneHotArgmax { bits }
        | RingOp::LessThanPairs { bits }
        | RingOp::Bucketize { bits, .. } => bits + 1,
        RingOp::EqualZero { bits } | RingOp::OneHot { bits } => *bits,
        RingOp::Truncate { .. }
        | RingOp::Select { .. }
        | RingOp::AndBits
        | RingOp::RoundedUp { .. }
        | RingOp::SelectLargest { .. }
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. }
        | RingOp::SelectScale { .. }
        | RingOp::Mul
        | RingOp::MatMul
        | RingOp::Conv { .. } => 64,
        // they compute on no masked value
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
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::Sort { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::Random { .. } => 64,
    }
}

/// How many low bits of each masked value are used. A comparison uses few if range bounds allow it. A linear
/// image has as many right bits as its inputs. A share that is computed from a masked value uses all bits.
pub(super) fn widths(program: &RingProgram, form: &[Form], is_apart: impl Fn(RingId) -> bool) -> Vec<u32> {
    let mut widths = vec![0; program.nodes.len()];
    for (i, node) in program.nodes.iter().enumerate().rev() {
        for (input, opened) in node.inputs.iter().zip(demands(program, node)) {
            let at = input.0 as usize;
            let used = match form[i] {
                Form::Derived => widths[i],
                _ if opened => bits_used(&node.op),
                // the task reads the share, not the masked value
                _ if form[at] != Form::Derived && !is_apart(*input) => 0,
                _ => 64,
            };
            widths[at] = widths[at].max(used);
        }
    }
    widths
}
