//! Forms: how the members hold each value, and which operations compute on the openings of their inputs.

use std::collections::{BTreeMap, BTreeSet};

use tacita_program::{RingId, RingNode, RingOp, RingProgram, RingType, Visibility};

use crate::primitives;

/// Names the value of a persistent leaf for the length of a session: another value needs another key.
pub type LeafKey = [u8; 32];

/// How a value is held when the online phase uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Every member knows it.
    Public,
    /// Additive or XOR shares, never opened.
    Share,
    /// Shares, then opened under a mask of its own.
    Opened,
    /// Opened once for the session (a weight).
    Persistent,
    /// A linear image of opened values, on openings and masks.
    Derived,
}

impl Form {
    fn has_opening(self) -> bool {
        matches!(self, Form::Opened | Form::Persistent | Form::Derived)
    }
}

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
    // an operation that moves all elements of its input demands the input's opening: one opening serves all images
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
                f == Form::Public || f.has_opening()
            })
        {
            Form::Derived
        } else if demanded[i] {
            let persistent = matches!(node.op, RingOp::Input { persistent: true });
            let has_key = keys.contains_key(&RingId(i as u32));
            if persistent && has_key { Form::Persistent } else { Form::Opened }
        } else {
            Form::Share
        };
    }
    // a derived value whose opening no task uses stays shared
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

/// For each input of a node, whether the node computes on its opening.
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
    let as_many = |input: &RingNode| primitives::words(node) >= primitives::words(input);
    moves && ring && input.is_some_and(|input| input.visibility != Visibility::Public && as_many(input))
}

/// `id` and all nodes of which its mask is a linear image, in ascending order.
pub(super) fn mask_sources(program: &RingProgram, form: &[Form], id: RingId) -> BTreeSet<RingId> {
    let mut found = BTreeSet::new();
    let mut todo = vec![id];
    while let Some(next) = todo.pop() {
        if found.insert(next) && form[next.0 as usize] == Form::Derived {
            todo.extend(&program.nodes[next.0 as usize].inputs);
        }
    }
    found
}
