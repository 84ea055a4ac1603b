//! Visibility: nobody learns a value but from a reveal, and nothing public is computed privately.

use super::fault::Fault;
use crate::operation::RingOp;
use crate::program::{Owner, RingNode, RingProgram, Visibility};

/// Nobody knows a value who does not know its inputs, and owners exist.
pub(super) fn check(program: &RingProgram, node: &RingNode, inputs: &[&RingNode]) -> Result<(), Fault> {
    let exists = |owner: Owner| {
        if usize::from(owner.0) < program.owners.len() {
            Ok(())
        } else {
            Err(Fault::Owner { owner: owner.0 })
        }
    };
    if let Visibility::Private(owner) = node.visibility {
        exists(owner)?;
    }
    let joined = inputs.iter().map(|input| input.visibility).fold(Visibility::Public, Visibility::join);
    let exactly = |expected: Visibility| {
        if node.visibility == expected {
            Ok(())
        } else {
            Err(Fault::Visibility { got: node.visibility, expected })
        }
    };
    // a value may be kept secret from those who could compute it
    let follows = || if node.visibility == Visibility::Secret { Ok(()) } else { exactly(joined) };
    let not_public = || if joined == Visibility::Public { Err(Fault::Public) } else { follows() };
    match &node.op {
        RingOp::Input { persistent } => {
            if *persistent && node.visibility == Visibility::Secret {
                return Err(Fault::SecretPersistent);
            }
            Ok(())
        }
        RingOp::Constant { .. } | RingOp::ConstantTensor { .. } => exactly(Visibility::Public),
        RingOp::Random { .. } | RingOp::Keep => exactly(Visibility::Secret),
        RingOp::Reveal { to } => {
            to.iter().try_for_each(|&owner| exists(owner))?;
            if to.is_empty() || !to.is_sorted_by(|a, b| a < b) {
                return Err(Fault::Receivers);
            }
            follows()
        }
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
        | RingOp::Conv { .. } => follows(),
        RingOp::Truncate { .. }
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
        | RingOp::Bucketize { .. }
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. }
        | RingOp::SelectScale { .. } => not_public(),
    }
}
