//! Linear operations at a party: on shares, or on masked values, without communication.

use std::sync::Arc;

use tacita_correlations::{Masked, Share};
use tacita_program::{RingId, RingNode, RingOp, linear_homogeneous};
use tacita_ring::{BitTensor, RingTensor};

use crate::error::MpcError;
use crate::form::Form;
use crate::linear::{Image, apply};
use crate::output::Output;
use crate::sizes::elements;
use crate::task::TaskContext;

/// A linear node at a party: on masked values if it is derived, else on shares.
pub(super) fn run(ctx: TaskContext<'_>, id: RingId, node: &RingNode) -> Result<Output, MpcError> {
    let plan = ctx.plan();
    if plan.form(id) == Form::Derived {
        let inputs = node
            .inputs
            .iter()
            .map(|i| ctx.masked(*i).map(|masked| Some(masked.into_known())))
            .collect::<Result<Vec<_>, MpcError>>()?;
        let out = apply(plan.values(), node, &inputs, Image::Whole);
        return out
            .map(|value| Output::Masked(Masked::known(value)))
            .ok_or_else(|| MpcError::Internal("a masked value without a value".into()));
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
            None => Ok(ctx.share(*i)?.map(Share::into_local)),
        })
        .collect::<Result<Vec<_>, MpcError>>()?;
    let image = if whole { Image::Whole } else { Image::Homogeneous };
    Ok(Output::Share(apply(plan.values(), node, &inputs, image).map(Share::new)))
}

/// A node all of whose inputs are public: every party computes it.
pub(super) fn public(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let inputs = node
        .inputs
        .iter()
        .map(|i| ctx.masked(*i).map(|masked| Some(masked.into_known())))
        .collect::<Result<Vec<_>, MpcError>>()?;
    let linear = node.op.is_linear() || node.op.is_bilinear();
    match linear.then(|| apply(ctx.plan().values(), node, &inputs, Image::Whole)).flatten() {
        Some(out) => Ok(Output::Masked(Masked::known(out))),
        None => Err(MpcError::Unsupported {
            node: ctx.plan().name(node.origin).to_owned(),
            op: node.op.name().to_owned(),
            reason: "of public values only: compute it before the program".into(),
        }),
    }
}

/// Operations that move elements, on XOR-shared bits.
pub(super) fn move_bits(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let inputs = node
        .inputs
        .iter()
        .map(|id| ctx.bits(*id).map(Share::into_local))
        .collect::<Result<Vec<_>, MpcError>>()?;
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
    Ok(Output::bits(BitTensor::concat_planes(&moved.iter().collect::<Vec<_>>())))
}

/// Linear operations on XOR-shared bits.
pub(super) fn bits(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let mut out: BitTensor = BitTensor::clone(ctx.bits(node.inputs[0])?.local());
    for other in &node.inputs[1..] {
        out.xor_assign(ctx.bits(*other)?.local());
    }
    if matches!(node.op, RingOp::NotBits) && ctx.first() {
        out.not();
    }
    debug_assert_eq!(out.elements(), elements(node));
    Ok(Output::bits(out))
}
