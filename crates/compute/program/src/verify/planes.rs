//! Properties of bits that selections rest on.

use super::fault::Fault;
use crate::operation::RingOp;
use crate::program::{RingId, RingNode, RingProgram, RingType};

/// Facts about the planes of a node's bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planes {
    /// At most one plane of an element is 1.
    at_most_one: bool,
    /// They are the comparisons of all pairs of so many values.
    pairs: Option<usize>,
}

const NOTHING: Planes = Planes { at_most_one: false, pairs: None };

/// The facts about a node, from those about its inputs.
pub(super) fn of(node: &RingNode, inputs: &[Planes]) -> Planes {
    let RingType::Bits { planes } = node.ty else { return NOTHING };
    let known = match &node.op {
        RingOp::OneHotArgmax { .. } | RingOp::Bucketize { .. } => Planes { at_most_one: true, pairs: None },
        RingOp::LessThanPairs { .. } => Planes { at_most_one: false, pairs: Some(node.inputs.len()) },
        RingOp::Broadcast | RingOp::Reshape | RingOp::Transpose { .. } | RingOp::Slice { .. } => inputs[0],
        RingOp::Concat { .. } => {
            let same = |a: Planes, &b: &Planes| Planes {
                at_most_one: a.at_most_one && b.at_most_one,
                pairs: a.pairs.filter(|_| a.pairs == b.pairs),
            };
            inputs[1..].iter().fold(inputs[0], same)
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
        | RingOp::Select { .. }
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::AndBits
        | RingOp::EqualZero { .. }
        | RingOp::RoundedUp { .. }
        | RingOp::Sort { .. }
        | RingOp::OneHot { .. }
        | RingOp::SelectLargest { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. }
        | RingOp::SelectScale { .. }
        | RingOp::Random { .. } => NOTHING,
    };
    Planes { at_most_one: known.at_most_one || planes == 1, ..known }
}

/// Selections take at most one plane, or the comparisons of all pairs.
pub(super) fn check(program: &RingProgram, node: &RingNode, inputs: &[Planes]) -> Result<(), Fault> {
    if let RingOp::SelectLargest { .. } = node.op {
        let values = node.inputs.len() - 1;
        return if inputs[0].pairs == Some(values) { Ok(()) } else { Err(Fault::Pairs { values }) };
    }
    if matches!(node.op, RingOp::Select { .. } | RingOp::SelectScale { .. }) && !inputs[0].at_most_one {
        return Err(Fault::PlaneSets);
    }
    if let RingOp::SelectScale { factors, .. } = &node.op {
        let mut sum = vec![0; factors.len()];
        let is_sum = add_weights(program, node.inputs[1], node.inputs[0], &mut sum).is_some();
        if !is_sum || sum != *factors {
            return Err(Fault::Factor);
        }
    }
    Ok(())
}

/// Adds the multiples of the planes of `bits` that a value is the sum of; `None` if it is no such sum.
fn add_weights(program: &RingProgram, value: RingId, bits: RingId, weights: &mut [i64]) -> Option<()> {
    let mut todo = vec![value];
    // a sum of the planes has one addition for each of them
    for _ in 0..2 * weights.len() {
        let Some(id) = todo.pop() else { return Some(()) };
        let node = program.node(id);
        if let RingOp::Add = node.op {
            todo.extend(&node.inputs);
            continue;
        }
        if let RingOp::Constant { value: 0 } = node.op {
            continue;
        }
        let (bit, factor) = if let RingOp::Scale { factor } = node.op {
            (program.node(node.inputs[0]), factor)
        } else {
            (node, 1)
        };
        let RingOp::BitToArithmetic { plane } = bit.op else { return None };
        if bit.inputs[0] != bits || node.shape != program.node(bits).shape {
            return None;
        }
        weights[plane] = weights[plane].wrapping_add(factor);
    }
    todo.is_empty().then_some(())
}
