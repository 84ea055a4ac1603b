//! `[x = 0]` as XOR-shared bits: whether the opening equals the mask, by the tree of `equality`.
//!
//! # Security
//! Parties see the leaves and the first level's products under fresh uniform masks; what the dealer deals are shares.
//! The dealer sees nothing but its own masks.

use tacita_graph::RingNode;
use tacita_ring::BitTensor;

use super::{Output, elements};
use crate::blocks::{Unit, for_each_block, for_each_tile, words};
use crate::deal::DealContext;
use crate::equality::{
    LEVEL1_WIRES, LEVEL2_WIRES, deal_leaves, deal_level, leaves, leaves_dealt, level, level_dealt,
};
use crate::error::MpcError;
use crate::steps::{Item, Opening, Steps};
use crate::task::TaskContext;

/// Wires that each level multiplies, and those that it gives.
const LEVELS: [(usize, usize); 2] = [(LEVEL1_WIRES, LEVEL2_WIRES), (LEVEL2_WIRES, 1)];

pub(super) fn steps(node: &RingNode) -> Steps {
    let n = elements(node);
    let mut steps = Steps { dealt: vec![Item::Bits(words(n, leaves_dealt()))], openings: vec![] };
    for (wires, _) in LEVELS {
        steps.dealt.push(Item::Bits(words(n, level_dealt(wires))));
        steps.openings.push(Opening::all(words(n, wires)));
    }
    steps
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode) -> Result<(), MpcError> {
    let (n, r) = (elements(node), ctx.mask(node.inputs[0])?);
    let mut out = vec![0; words(n, leaves_dealt())];
    for_each_tile(n, [(&mut out, Unit::Planes(leaves_dealt()))], &|range, [out]| {
        let r = BitTensor::from_ring(&r.data()[range.clone()]);
        for_each_block(
            range.len(),
            [(r.words(), 64)],
            [(out, leaves_dealt())],
            #[inline(always)]
            |[r], [out]| deal_leaves(r, out),
        );
        Ok(())
    })?;
    ctx.emit(out)?;
    for (step, (wires, _)) in (0..).zip(LEVELS) {
        let (masks, dealt) = (ctx.step_masks(step), level_dealt(wires));
        let mut out = vec![0; words(n, dealt)];
        for_each_tile(n, [(&mut out, Unit::Planes(dealt))], &|range, [out]| {
            let lambda = masks.read(Unit::Planes(wires).words(&range))?;
            for_each_block(
                range.len(),
                [(&lambda, wires)],
                [(out, dealt)],
                #[inline(always)]
                |[lambda], [out]| deal_level(lambda, out),
            );
            Ok(())
        })?;
        ctx.emit(out)?;
    }
    Ok(())
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let (n, first) = (elements(node), ctx.first());
    let hat = ctx.opening(node.inputs[0])?;
    let dealt = ctx.dealt(0)?;
    let mut shares = vec![0; words(n, LEVEL1_WIRES)];
    for_each_tile(n, [(&mut shares, Unit::Planes(LEVEL1_WIRES))], &|range, [out]| {
        let c = BitTensor::from_ring(&hat.data()[range.clone()]);
        let mut scratch = Vec::new();
        let dealt = dealt.read(Unit::Planes(leaves_dealt()).words(&range), &mut scratch)?;
        for_each_block(
            range.len(),
            [(c.words(), 64), (dealt, leaves_dealt())],
            [(out, LEVEL1_WIRES)],
            #[inline(always)]
            |[c, dealt], [out]| leaves(first, c, dealt, out),
        );
        Ok(())
    })?;
    for (step, (wires, results)) in (0..).zip(LEVELS) {
        let lambda = ctx.step_mask(step);
        let public = ctx.open_bits(step, shares)?.await?.unwrap_or_default();
        let (dealt, planes) = (ctx.dealt(1 + usize::from(step))?, level_dealt(wires));
        shares = vec![0; words(n, results)];
        for_each_tile(n, [(&mut shares, Unit::Planes(results))], &|range, [out]| {
            let at = Unit::Planes(wires).words(&range);
            let (mut scratch, mut more) = (Vec::new(), Vec::new());
            let lambda = lambda.read(at.clone(), &mut scratch)?;
            let dealt = dealt.read(Unit::Planes(planes).words(&range), &mut more)?;
            for_each_block(
                range.len(),
                [(&public[at], wires), (lambda, wires), (dealt, planes)],
                [(out, results)],
                #[inline(always)]
                |[public, lambda, dealt], [out]| level(first, public, lambda, dealt, out),
            );
            Ok(())
        })?;
    }
    Ok(Output::Bits(BitTensor::from_words(n, 1, shares)))
}
