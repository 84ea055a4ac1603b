//! Numbers and types of inputs, and the types of results.

use tacita_ring::{FOURIER_BITS, MAX_FRAC};

use super::fault::Fault;
use crate::operation::RingOp;
use crate::program::{RingNode, RingType};

/// The most planes that a draw of bits has: each takes a bit of one word.
const MOST_DRAWN: usize = 64;

/// The most inputs of [`RingOp::AndBits`].
const MOST_FACTORS: usize = 8;

/// The number of inputs is the operation's.
pub(super) fn arity(node: &RingNode) -> Result<(), Fault> {
    let got = node.inputs.len();
    let fits = match &node.op {
        RingOp::Input { .. }
        | RingOp::Constant { .. }
        | RingOp::ConstantTensor { .. }
        | RingOp::Random { .. } => got == 0,
        RingOp::Neg
        | RingOp::Scale { .. }
        | RingOp::Broadcast
        | RingOp::Reshape
        | RingOp::Transpose { .. }
        | RingOp::Slice { .. }
        | RingOp::Gather { .. }
        | RingOp::Pad { .. }
        | RingOp::Sum { .. }
        | RingOp::SumPool { .. }
        | RingOp::Truncate { .. }
        | RingOp::LessThanZero { .. }
        | RingOp::NotBits
        | RingOp::EqualZero { .. }
        | RingOp::RoundedUp { .. }
        | RingOp::Sort { .. }
        | RingOp::OneHot { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::Bucketize { .. }
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. } => got == 1,
        RingOp::Add | RingOp::Sub | RingOp::Mul | RingOp::MatMul | RingOp::Conv { .. } | RingOp::XorBits => {
            got == 2
        }
        RingOp::Concat { .. } => got >= 1,
        RingOp::OneHotArgmax { .. } | RingOp::LessThanPairs { .. } => got >= 2,
        RingOp::AndBits => (2..=MOST_FACTORS).contains(&got),
        // bits, and at least one value
        RingOp::Select { .. } => got >= 2,
        // bits of pairs, and their values
        RingOp::SelectLargest { .. } => got >= 3,
        RingOp::SelectScale { .. } => got == 3,
    };
    if fits { Ok(()) } else { Err(Fault::Arity { got }) }
}

/// Each input is of a type that the operation takes.
pub(super) fn inputs(node: &RingNode, inputs: &[&RingNode]) -> Result<(), Fault> {
    for (at, input) in inputs.iter().enumerate() {
        let is_bits = matches!(input.ty, RingType::Bits { .. });
        let one_plane = input.ty == RingType::Bits { planes: 1 };
        let same = input.ty == inputs[0].ty;
        let fits = match &node.op {
            // either, but all alike
            RingOp::Broadcast
            | RingOp::Reshape
            | RingOp::Transpose { .. }
            | RingOp::Slice { .. }
            | RingOp::Reveal { .. } => true,
            RingOp::Concat { .. } => same || !(is_bits || matches!(inputs[0].ty, RingType::Bits { .. })),
            RingOp::NotBits => is_bits,
            RingOp::XorBits => is_bits && same,
            RingOp::AndBits => one_plane,
            RingOp::BitToArithmetic { .. } => is_bits,
            RingOp::Select { .. } | RingOp::SelectLargest { .. } | RingOp::SelectScale { .. } => {
                is_bits == (at == 0)
            }
            RingOp::Input { .. }
            | RingOp::Constant { .. }
            | RingOp::ConstantTensor { .. }
            | RingOp::Add
            | RingOp::Sub
            | RingOp::Neg
            | RingOp::Scale { .. }
            | RingOp::Gather { .. }
            | RingOp::Pad { .. }
            | RingOp::Sum { .. }
            | RingOp::SumPool { .. }
            | RingOp::Mul
            | RingOp::MatMul
            | RingOp::Conv { .. }
            | RingOp::Truncate { .. }
            | RingOp::LessThanZero { .. }
            | RingOp::OneHotArgmax { .. }
            | RingOp::EqualZero { .. }
            | RingOp::RoundedUp { .. }
            | RingOp::Sort { .. }
            | RingOp::OneHot { .. }
            | RingOp::LessThanPairs { .. }
            | RingOp::Keep
            | RingOp::Bucketize { .. }
            | RingOp::FourierSum { .. }
            | RingOp::Exponential { .. }
            | RingOp::Random { .. } => !is_bits,
        };
        if !fits {
            return Err(Fault::InputType { at, got: input.ty });
        }
    }
    Ok(())
}

/// The result is of the type that follows from the inputs. `is_table` says that the node's columns have scales of their own,
/// since a `Sort` takes them or gives them.
pub(super) fn result(node: &RingNode, inputs: &[&RingNode], is_table: bool) -> Result<(), Fault> {
    let expect = |expected: RingType| {
        if node.ty == expected { Ok(()) } else { Err(Fault::Type { got: node.ty, expected }) }
    };
    let planes = |planes: usize| expect(RingType::Bits { planes });
    let frac = node.ty.frac();
    let ring = || expect(RingType::Ring { frac });
    // all values of one scale
    let alike = || {
        ring()?;
        match inputs.iter().position(|input| input.ty.frac() != frac) {
            Some(at) => Err(Fault::Frac { at }),
            None => Ok(()),
        }
    };
    let selected = |candidates: &[&RingNode], truncate: &dyn Fn(usize) -> u32| {
        ring()?;
        let fits = |(i, candidate): (usize, &&RingNode)| {
            // zero has any scale
            matches!(candidate.op, RingOp::Constant { value: 0 }) || candidate.ty.frac() == frac + truncate(i)
        };
        match candidates.iter().enumerate().position(|candidate| !fits(candidate)) {
            Some(at) => Err(Fault::Frac { at: at + 1 }),
            None => Ok(()),
        }
    };
    match &node.op {
        RingOp::Input { .. } => {
            ring()?;
            if frac > MAX_FRAC {
                return Err(Fault::TooManyFractionalBits { got: frac, most: MAX_FRAC });
            }
            Ok(())
        }
        // the result's scale is the lowering's choice
        RingOp::Constant { .. }
        | RingOp::ConstantTensor { .. }
        | RingOp::Scale { .. }
        | RingOp::Truncate { .. }
        | RingOp::SelectScale { .. } => ring(),
        RingOp::Add
        | RingOp::Sub
        | RingOp::Neg
        | RingOp::Gather { .. }
        | RingOp::Pad { .. }
        | RingOp::Sum { .. }
        | RingOp::SumPool { .. } => alike(),
        RingOp::Broadcast | RingOp::Reshape | RingOp::Transpose { .. } | RingOp::Sort { .. } => {
            expect(inputs[0].ty)
        }
        RingOp::Slice { .. } if is_table => ring(),
        RingOp::Concat { .. } if is_table => expect(inputs[0].ty),
        RingOp::Slice { .. } | RingOp::Concat { .. } => match inputs[0].ty {
            RingType::Ring { .. } => alike(),
            RingType::Bits { .. } => expect(inputs[0].ty),
        },
        RingOp::Mul | RingOp::MatMul | RingOp::Conv { .. } => {
            expect(RingType::Ring { frac: inputs[0].ty.frac() + inputs[1].ty.frac() })
        }
        RingOp::LessThanZero { .. }
        | RingOp::AndBits
        | RingOp::EqualZero { .. }
        | RingOp::RoundedUp { .. } => planes(1),
        RingOp::OneHotArgmax { .. } => planes(inputs.len()),
        RingOp::LessThanPairs { .. } => planes(inputs.len() * (inputs.len() - 1) / 2),
        RingOp::Bucketize { thresholds, .. } => planes(thresholds.len() + 1),
        RingOp::NotBits | RingOp::XorBits | RingOp::Reveal { .. } | RingOp::Keep => expect(inputs[0].ty),
        RingOp::Select { truncate } => selected(&inputs[1..], &|i| truncate[i]),
        RingOp::SelectLargest { truncate } => selected(&inputs[1..], &|_| *truncate),
        RingOp::OneHot { .. } | RingOp::BitToArithmetic { .. } => expect(RingType::Ring { frac: 0 }),
        RingOp::FourierSum { .. } => expect(RingType::Ring { frac: 2 * FOURIER_BITS }),
        RingOp::Exponential { spec } => expect(RingType::Ring { frac: spec.result_frac() }),
        RingOp::Random { .. } => match node.ty {
            RingType::Ring { .. } => Ok(()),
            RingType::Bits { planes } if (1..=MOST_DRAWN).contains(&planes) => Ok(()),
            RingType::Bits { planes } => Err(Fault::Plane { plane: planes, planes: MOST_DRAWN }),
        },
    }
}
