//! Whether the low bits of x are 0, as an XOR-shared bit: whether those of the masked value equal the mask's, by the tree of
//! `equality`.
//!
//! # Security
//! Parties see the leaves and the first level's products under fresh uniform masks; what the dealer deals are shares.
//! The dealer sees nothing but its own masks.

use tacita_correlations::{
    BitMask, Correlation, Item, Scratch, Share, Unit, for_each_block, for_each_tile, words,
};
use tacita_program::RingNode;
use tacita_ring::BitTensor;

use crate::equality::Level;
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::{Opening, Steps};
use crate::task::TaskContext;
use crate::values::mask;

pub(super) fn steps(node: &RingNode, bits: u32) -> Steps {
    let (n, (leaves, levels)) = (elements(node), Level::all(bits));
    let r = BitMask::Ring(mask(node.inputs[0]));
    let mut steps = Steps::default();
    steps.dealt.push(Correlation::bit_products(n, r, leaves.leaf_sets().collect()));
    for (step, level) in (0..).zip(levels) {
        let lambda = BitMask::Step { step, first: 0, planes: level.wires() };
        steps.dealt.push(Correlation::bit_products(n, lambda, level.sets().collect()));
        steps.openings.push(Opening::all(Item::Bits(words(n, level.wires()))));
    }
    steps
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    let (n, first) = (elements(node), ctx.first());
    let (leaves, levels) = Level::all(bits);
    let (planes, results) = (leaves.wires() + leaves.dealt(), leaves.results());
    let hat = ctx.masked(node.inputs[0])?;
    let dealt = ctx.dealt(0)?;
    let mut shares = vec![0; words(n, results)];
    for_each_tile(n, [(&mut shares, Unit::Planes(results))], &|range, [out]| {
        let c = BitTensor::from_ring(&hat.data()[range.clone()]);
        let mut scratch = Scratch::default();
        let dealt = dealt.read(Unit::Planes(planes).words(&range), &mut scratch)?;
        for_each_block(
            range.len(),
            [(c.words(), 64), (dealt, planes)],
            [(out, results)],
            #[inline(always)]
            |[c, dealt], [out]| leaves.leaves(first, c, dealt, out),
        );
        Ok(())
    })?;
    for (step, level) in (0..).zip(&levels) {
        let lambda = ctx.step_mask(step);
        let public = ctx.open(step, Share::new(shares)).await?.unwrap_or_default();
        let dealt = ctx.dealt(1 + usize::from(step))?;
        let (wires, planes, results) = (level.wires(), level.dealt(), level.results());
        shares = vec![0; words(n, results)];
        for_each_tile(n, [(&mut shares, Unit::Planes(results))], &|range, [out]| {
            let at = Unit::Planes(wires).words(&range);
            let (mut scratch, mut more) = (Scratch::default(), Scratch::default());
            let lambda = lambda.read(at.clone(), &mut scratch)?;
            let dealt = dealt.read(Unit::Planes(planes).words(&range), &mut more)?;
            for_each_block(
                range.len(),
                [(&public[at], wires), (lambda, wires), (dealt, planes)],
                [(out, results)],
                #[inline(always)]
                |[public, lambda, dealt], [out]| level.evaluate(first, public, lambda, dealt, out),
            );
            Ok(())
        })?;
    }
    Ok(Output::bits(BitTensor::from_words(n, 1, shares)))
}
