//! Linear operations: on shares, on openings and on masks alike, without communication.

use std::collections::BTreeMap;
use std::sync::Arc;

use tacita_program::linear as on_tensors;
use tacita_program::{RingId, RingNode, RingOp, bilinear, linear_homogeneous};
use tacita_ring::{BitTensor, RingTensor};

use crate::error::MpcError;
use crate::plan::{Form, Plan};
use crate::primitives::{Output, elements};
use crate::task::TaskContext;

/// A tensor, or zero.
pub(crate) type Maybe = Option<Arc<RingTensor>>;

/// What is being mapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Image {
    /// A value that holds the constants: an opening, a public value, the first party's share.
    Whole,
    /// A mask, or another party's share: constants count as zero.
    Homogeneous,
}

/// Applies a linear node to its inputs, of which absent ones are zero. Public operands of a bilinear map are always
/// present.
pub(crate) fn apply(plan: &Plan, node: &RingNode, inputs: &[Maybe], image: Image) -> Maybe {
    let shape = &node.shape;
    if node.op.is_bilinear() {
        return match inputs {
            [Some(x), Some(y)] => Some(Arc::new(bilinear(&node.op, x, y, shape))),
            _ => None,
        };
    }
    let constant = matches!(node.op, RingOp::Pad { value, .. } if value != 0) && image == Image::Whole;
    if inputs.iter().all(Option::is_none) && !constant {
        return None;
    }
    match (&node.op, inputs) {
        (RingOp::Add, [Some(x), None]) | (RingOp::Add, [None, Some(x)]) | (RingOp::Sub, [Some(x), None]) => {
            return Some(broadcast(x, shape));
        }
        (RingOp::Sub, [None, Some(x)]) => {
            let mut out = x.broadcast_to(shape);
            out.negate();
            return Some(Arc::new(out));
        }
        _ => {}
    }
    let zeros: Vec<Option<RingTensor>> = inputs
        .iter()
        .zip(&node.inputs)
        .map(|(tensor, id)| tensor.is_none().then(|| RingTensor::zeros(&plan.node(*id).shape)))
        .collect();
    let tensors: Vec<&RingTensor> =
        inputs.iter().zip(&zeros).filter_map(|(tensor, zero)| tensor.as_deref().or(zero.as_ref())).collect();
    Some(Arc::new(match image {
        Image::Whole => on_tensors(&node.op, &tensors, shape),
        Image::Homogeneous => linear_homogeneous(&node.op, &tensors, shape),
    }))
}

/// The value of a public constant that is one number all over. It is made where it is needed, which it mostly is not: of the zero
/// of a ReLU everybody knows what it does.
pub(crate) fn uniform(node: &RingNode) -> Option<RingTensor> {
    match &node.op {
        RingOp::Constant { value } => Some(RingTensor::filled(&node.shape, *value as u64)),
        _ => None,
    }
}

/// A public value: one of these, or a constant of one number.
pub(crate) fn known(plan: &Plan, values: &BTreeMap<RingId, Arc<RingTensor>>, id: RingId) -> Maybe {
    values.get(&id).cloned().or_else(|| uniform(plan.node(id)).map(Arc::new))
}

/// The value of another public constant.
pub(crate) fn constant(node: &RingNode) -> Option<RingTensor> {
    match &node.op {
        RingOp::ConstantTensor { values } => {
            Some(RingTensor::new(node.shape.clone(), values.iter().map(|&v| v as u64).collect()))
        }
        _ => None,
    }
}

fn broadcast(x: &Arc<RingTensor>, shape: &[usize]) -> Arc<RingTensor> {
    if x.shape() == shape { x.clone() } else { Arc::new(x.broadcast_to(shape)) }
}

/// The mask of an opened value, or a party's share of it, from those of the openings it is an image of.
pub(crate) fn mask<E>(
    plan: &Plan,
    id: RingId,
    mut base: impl FnMut(RingId) -> Result<Maybe, E>,
    mut public: impl FnMut(RingId) -> Result<Arc<RingTensor>, E>,
) -> Result<Maybe, E> {
    if plan.form(id) != Form::Derived {
        return base(id);
    }
    let sources = plan.mask_sources(id);
    let mut masks: BTreeMap<RingId, Maybe> = BTreeMap::new();
    for &source in &sources {
        let value = match plan.form(source) {
            Form::Public => None,
            Form::Derived => {
                let node = plan.node(source);
                let bilinear = node.op.is_bilinear();
                let inputs = node
                    .inputs
                    .iter()
                    .map(|i| match plan.form(*i) {
                        Form::Public if bilinear => public(*i).map(Some),
                        _ => Ok(masks.get(i).cloned().flatten()),
                    })
                    .collect::<Result<Vec<_>, E>>()?;
                apply(plan, node, &inputs, Image::Homogeneous)
            }
            _ => base(source)?,
        };
        masks.insert(source, value);
    }
    Ok(masks.remove(&id).flatten())
}

/// A linear node at a party: on openings if it is derived, else on shares.
pub(crate) fn run(ctx: TaskContext<'_>, id: RingId, node: &RingNode) -> Result<Output, MpcError> {
    let plan = ctx.plan();
    if plan.form(id) == Form::Derived {
        let inputs =
            node.inputs.iter().map(|i| ctx.opening(*i).map(Some)).collect::<Result<Vec<_>, MpcError>>()?;
        let out = apply(plan, node, &inputs, Image::Whole);
        return out
            .map(Output::Opening)
            .ok_or_else(|| MpcError::Internal("an opening without a value".into()));
    }
    // who adds what is public: the owner of a private value, whose share is all of it; else the first party
    let whole = match plan.owner(id) {
        Some(owner) if owner != ctx.eval.me => return Ok(Output::Share(None)),
        Some(_) => true,
        None => ctx.first(),
    };
    let bilinear = node.op.is_bilinear();
    let inputs = node
        .inputs
        .iter()
        .map(|i| match ctx.public(*i) {
            Some(public) if bilinear || whole => Ok(Some(public)),
            Some(_) => Ok(None),
            None => ctx.share(*i),
        })
        .collect::<Result<Vec<_>, MpcError>>()?;
    let image = if whole { Image::Whole } else { Image::Homogeneous };
    Ok(Output::Share(apply(plan, node, &inputs, image)))
}

/// A node all of whose inputs are public: every party computes it.
pub(crate) fn public(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let inputs =
        node.inputs.iter().map(|i| ctx.opening(*i).map(Some)).collect::<Result<Vec<_>, MpcError>>()?;
    let linear = node.op.is_linear() || node.op.is_bilinear();
    match linear.then(|| apply(ctx.plan(), node, &inputs, Image::Whole)).flatten() {
        Some(out) => Ok(Output::Opening(out)),
        None => Err(MpcError::Unsupported {
            node: ctx.plan().name(node.origin).to_owned(),
            op: node.op.name().to_owned(),
            reason: "of public values only: compute it before the program".into(),
        }),
    }
}

/// Operations that move elements, on XOR-shared bits.
pub(crate) fn move_bits(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let inputs = node.inputs.iter().map(|id| ctx.bits(*id)).collect::<Result<Vec<_>, MpcError>>()?;
    let planes = inputs.iter().map(|bits| bits.planes()).min().unwrap_or(0);
    let moved: Vec<BitTensor> = (0..planes)
        .map(|plane| {
            let plane_of = |(bits, id): (&Arc<BitTensor>, &RingId)| {
                RingTensor::new(ctx.plan().node(*id).shape.clone(), bits.to_ring(plane))
            };
            let tensors: Vec<RingTensor> = inputs.iter().zip(&node.inputs).map(plane_of).collect();
            let tensors: Vec<&RingTensor> = tensors.iter().collect();
            BitTensor::from_ring_low(linear_homogeneous(&node.op, &tensors, &node.shape).data(), 1)
        })
        .collect();
    Ok(Output::Bits(BitTensor::concat_planes(&moved.iter().collect::<Vec<_>>())))
}

/// Linear operations on XOR-shared bits.
pub(crate) fn bits(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let mut out: BitTensor = (*ctx.bits(node.inputs[0])?).clone();
    for other in &node.inputs[1..] {
        out.xor_assign(&*ctx.bits(*other)?);
    }
    if matches!(node.op, RingOp::NotBits) && ctx.first() {
        out.not();
    }
    debug_assert_eq!(out.elements(), elements(node));
    Ok(Output::Bits(out))
}
