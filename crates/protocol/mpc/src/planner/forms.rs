//! The choice of forms, and the operations that compute on their inputs' masked values.

use std::collections::BTreeMap;

use tacita_program::{RingId, RingNode, RingOp, RingProgram, RingType, Visibility};

use crate::form::{Form, LeafKey};
use crate::sizes::words;

/// The form of each node's value. `is_apart` tells whether a node is a leaf of a data owner.
pub(super) fn forms(
    program: &RingProgram,
    keys: &BTreeMap<RingId, LeafKey>,
    is_apart: impl Fn(RingId) -> bool,
) -> Vec<Form> {
    let nodes = &program.nodes;
    let mut demanded: Vec<bool> = program.ids().map(is_apart).collect();
    for node in nodes {
        for (input, wanted) in node.inputs.iter().zip(demands(program, node)) {
            demanded[input.0 as usize] |= wanted;
        }
    }
    // an operation that moves all elements of its input demands the input's masked value: one opening serves all images
    for (at, node) in nodes.iter().enumerate().rev() {
        if demanded[at] && moves_all(program, node) {
            demanded[node.inputs[0].0 as usize] = true;
        }
    }
    let mut form = vec![Form::Share; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        let ring = matches!(node.ty, RingType::Ring { .. });
        form[i] = if node.visibility == Visibility::Public {
            Form::Public
        } else if ring
            && !node.inputs.is_empty()
            && is_linear(program, node)
            && node.inputs.iter().all(|input| {
                let f = form[input.0 as usize];
                f == Form::Public || f.is_masked()
            })
        {
            Form::Derived
        } else if demanded[i] {
            let persistent = matches!(node.op, RingOp::Input { persistent: true });
            let has_key = keys.contains_key(&RingId(i as u32));
            if persistent && has_key { Form::Persistent } else { Form::Masked }
        } else {
            Form::Share
        };
    }
    // a derived value stays shared if no task uses it masked
    let mut used = demanded;
    for i in (0..nodes.len()).rev() {
        if form[i] == Form::Derived {
            if used[i] {
                for input in &nodes[i].inputs {
                    used[input.0 as usize] = true;
                }
            } else {
                form[i] = Form::Share;
            }
        }
    }
    form
}

/// For each input of a node, whether the node computes on its masked value.
pub(super) fn demands(program: &RingProgram, node: &RingNode) -> Vec<bool> {
    let inputs = 0..node.inputs.len();
    let computes: Vec<bool> = match node.op {
        RingOp::Truncate { .. }
        | RingOp::LessThanZero { .. }
        | RingOp::OneHotArgmax { .. }
        | RingOp::Select { .. }
        | RingOp::AndBits
        | RingOp::EqualZero { .. }
        | RingOp::RoundedUp { .. }
        | RingOp::OneHot { .. }
        | RingOp::LessThanPairs { .. }
        | RingOp::SelectLargest { .. }
        | RingOp::Bucketize { .. }
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. } => inputs.map(|_| true).collect(),
        // input 1, the factor, is multiplied as a share
        RingOp::SelectScale { .. } => inputs.map(|position| position != 1).collect(),
        RingOp::Mul | RingOp::MatMul | RingOp::Conv { .. } => {
            inputs.map(|_| !is_linear(program, node)).collect()
        }
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
        | RingOp::Random { .. } => inputs.map(|_| false).collect(),
    };
    let secret = |input: &RingId| program.nodes[input.0 as usize].visibility != Visibility::Public;
    node.inputs.iter().zip(computes).map(|(input, computes)| computes && secret(input)).collect()
}

/// Whether a node is a linear map of its non-public inputs.
fn is_linear(program: &RingProgram, node: &RingNode) -> bool {
    let public = |id: &RingId| program.nodes[id.0 as usize].visibility == Visibility::Public;
    node.op.is_linear() || (node.op.is_bilinear() && node.inputs.iter().any(public))
}

/// Whether a node moves, repeats or pads the elements of its input and leaves none out.
fn moves_all(program: &RingProgram, node: &RingNode) -> bool {
    let moves = match node.op {
        RingOp::Broadcast
        | RingOp::Reshape
        | RingOp::Transpose { .. }
        | RingOp::Gather { .. }
        | RingOp::Pad { .. } => true,
        RingOp::Input { .. }
        | RingOp::Constant { .. }
        | RingOp::ConstantTensor { .. }
        | RingOp::Add
        | RingOp::Sub
        | RingOp::Neg
        | RingOp::Scale { .. }
        | RingOp::Slice { .. }
        | RingOp::Concat { .. }
        | RingOp::Sum { .. }
        | RingOp::SumPool { .. }
        | RingOp::Mul
        | RingOp::MatMul
        | RingOp::Conv { .. }
        | RingOp::Truncate { .. }
        | RingOp::LessThanZero { .. }
        | RingOp::OneHotArgmax { .. }
        | RingOp::Select { .. }
        | RingOp::AndBits
        | RingOp::EqualZero { .. }
        | RingOp::RoundedUp { .. }
        | RingOp::OneHot { .. }
        | RingOp::LessThanPairs { .. }
        | RingOp::SelectLargest { .. }
        | RingOp::Bucketize { .. }
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. }
        | RingOp::SelectScale { .. }
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::Sort { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::Random { .. } => false,
    };
    let ring = matches!(node.ty, RingType::Ring { .. });
    let input = node.inputs.first().map(|input| &program.nodes[input.0 as usize]);
    let as_many = |input: &RingNode| words(node) >= words(input);
    moves && ring && input.is_some_and(|input| input.visibility != Visibility::Public && as_many(input))
}
