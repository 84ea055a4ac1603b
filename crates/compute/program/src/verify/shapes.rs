//! Shapes: each result has the shape that follows from inputs and attributes.

use tacita_ring::{broadcast_shapes, conv2d_shape, matmul_shape, sum_pool2d_shape};

use super::fault::Fault;
use crate::operation::RingOp;
use crate::program::{RingNode, RingType};

/// The most bytes that a value may take in memory.
const MOST_BYTES: usize = isize::MAX as usize;

fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |count, &size| count.checked_mul(size))
}

/// Memory can hold the elements.
pub(super) fn elements(node: &RingNode) -> Result<(), Fault> {
    let planes = match node.ty {
        RingType::Ring { .. } => 1,
        RingType::Bits { planes } => planes,
    };
    // sizes of 0 do not hide sizes that overflow
    let sizes = node.shape.iter().map(|&size| size.max(1)).chain([planes.max(1), size_of::<u64>()]);
    let bytes = count(&sizes.collect::<Vec<_>>());
    if bytes.is_some_and(|bytes| bytes <= MOST_BYTES) { Ok(()) } else { Err(Fault::Elements) }
}

/// The shape is the one that follows from the inputs; attributes are checked before.
pub(super) fn check(node: &RingNode, inputs: &[&RingNode]) -> Result<(), Fault> {
    let expected = expected(node, inputs).ok_or(Fault::InputShapes)?;
    if node.shape == expected { Ok(()) } else { Err(Fault::Shape { got: node.shape.clone(), expected }) }
}

/// The shape that follows; `None` where the inputs do not fit each other or the attributes.
fn expected(node: &RingNode, inputs: &[&RingNode]) -> Option<Vec<usize>> {
    let shape = |i: usize| &inputs[i].shape;
    let same = || inputs.iter().all(|input| input.shape == *shape(0)).then(|| shape(0).clone());
    match &node.op {
        RingOp::Input { .. }
        | RingOp::Constant { .. }
        | RingOp::ConstantTensor { .. }
        | RingOp::Random { .. } => Some(node.shape.clone()),
        RingOp::Add | RingOp::Sub | RingOp::Mul => broadcast_shapes(shape(0), shape(1)),
        RingOp::Broadcast => broadcast_shapes(shape(0), &node.shape),
        RingOp::Reshape => (count(shape(0)) == count(&node.shape)).then(|| node.shape.clone()),
        RingOp::Transpose { perm } => Some(perm.iter().map(|&axis| shape(0)[axis]).collect()),
        RingOp::Slice { starts, ends, steps } => {
            let bounds = starts.iter().zip(ends).zip(steps);
            Some(bounds.map(|((start, end), &step)| (end - start).div_ceil(step)).collect())
        }
        RingOp::Gather { axis, indices } => {
            let mut shape = shape(0).clone();
            shape[*axis] = indices.len();
            Some(shape)
        }
        RingOp::Pad { before, after, .. } => {
            let sizes = shape(0).iter().zip(before).zip(after);
            sizes.map(|((size, before), &after)| size.checked_add(*before)?.checked_add(after)).collect()
        }
        RingOp::Concat { axis } => {
            let mut whole = shape(0).clone();
            for input in &inputs[1..] {
                let fits = input.shape.len() == whole.len()
                    && (0..whole.len()).all(|i| i == *axis || input.shape[i] == whole[i]);
                whole[*axis] = whole[*axis].checked_add(*input.shape.get(*axis)?).filter(|_| fits)?;
            }
            Some(whole)
        }
        RingOp::Sum { axes, keepdims } => {
            let sizes = shape(0).iter().enumerate();
            let kept = sizes.filter_map(|(axis, &size)| match axes.contains(&axis) {
                true if *keepdims => Some(1),
                true => None,
                false => Some(size),
            });
            Some(kept.collect())
        }
        RingOp::SumPool { window } => sum_pool2d_shape(shape(0), window).map(Vec::from),
        RingOp::MatMul => matmul_shape(shape(0), shape(1)),
        RingOp::Conv { spec } => conv2d_shape(shape(0), shape(1), spec).map(Vec::from),
        // three axes, of which the last has a key and an index
        RingOp::Sort { .. } => match shape(0)[..] {
            [_, _, columns] if columns >= 2 => Some(shape(0).clone()),
            _ => None,
        },
        RingOp::OneHot { bits } => Some([&shape(0)[..], &[1usize.checked_shl(*bits)?]].concat()),
        RingOp::Neg
        | RingOp::Scale { .. }
        | RingOp::Truncate { .. }
        | RingOp::LessThanZero { .. }
        | RingOp::OneHotArgmax { .. }
        | RingOp::Select { .. }
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::AndBits
        | RingOp::EqualZero { .. }
        | RingOp::RoundedUp { .. }
        | RingOp::LessThanPairs { .. }
        | RingOp::SelectLargest { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::Bucketize { .. }
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. }
        | RingOp::SelectScale { .. } => same(),
    }
}
