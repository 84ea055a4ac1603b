//! The one-hot position of the largest of k values: all pairs are compared at once on differences of their openings
//! (which are open), ties go to the lower index, and the products of the pairs' bits come from dealt products of
//! their masks.
//!
//! # Security
//! That of `compare`, and one more opening: the pairs' bits under fresh masks. For two values none.

use std::sync::Arc;

use tacita_program::{RingId, RingNode, Visibility};
use tacita_ring::{BitTensor, RingTensor};

use super::compare::Comparisons;
use super::{Output, elements};
use crate::blocks::{Unit, for_each_block, for_each_tile, words};
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::products::{Lane, Products};
use crate::steps::{Item, Opening, Steps};
use crate::streams::Scratch;
use crate::task::TaskContext;

/// Pairs (i, j), i < j, of k values.
pub(super) fn pairs(k: usize) -> Vec<(usize, usize)> {
    (0..k).flat_map(|i| (i + 1..k).map(move |j| (i, j))).collect()
}

/// Wire p is `[x_i < x_j]` of pair p = (i, j), wire p + pairs its complement. Value m wins if it is above all before it
/// and not below any after it.
fn products(k: usize) -> Products {
    let pairs = pairs(k);
    let outputs: Vec<Vec<Vec<usize>>> = (0..k)
        .map(|m| {
            let literals = pairs.iter().enumerate().filter_map(|(p, &(i, j))| {
                if j == m {
                    Some(p)
                } else if i == m {
                    Some(p + pairs.len())
                } else {
                    None
                }
            });
            vec![literals.collect()]
        })
        .collect();
    Products::new(2 * pairs.len(), &outputs)
}

/// The comparisons of all pairs of a node's inputs.
pub(super) fn comparisons(node: &RingNode, bits: u32) -> Comparisons {
    Comparisons::signs(pairs(node.inputs.len()).len(), bits, elements(node))
}

pub(super) fn steps(node: &RingNode, bits: u32) -> Steps {
    let (n, k) = (elements(node), node.inputs.len());
    let pairs = pairs(k).len();
    let mut steps = comparisons(node, bits).steps();
    if k > 2 {
        steps.openings.push(Opening::all(Item::Bits(words(n, pairs))));
        steps.dealt.push(Item::Bits(words(n, products(k).dealt())));
    }
    steps
}

/// The dealer's part of comparing all pairs of a node's inputs.
pub(super) fn deal_pairs(ctx: &mut DealContext<'_>, node: &RingNode, bits: u32) -> Result<(), MpcError> {
    let n = elements(node);
    let pairs = pairs(node.inputs.len());
    let mask_of = |ctx: &mut DealContext<'_>, id: RingId| -> Result<Option<_>, MpcError> {
        if ctx.plan.node(id).visibility == Visibility::Public { Ok(None) } else { ctx.mask(id).map(Some) }
    };
    comparisons(node, bits).deal(ctx, |ctx, p| {
        let (i, j) = pairs[p];
        let (a, b) = (mask_of(ctx, node.inputs[i])?, mask_of(ctx, node.inputs[j])?);
        let difference = match (a, b) {
            (Some(a), Some(b)) => a.data().iter().zip(b.data()).map(|(a, b)| a.wrapping_sub(*b)).collect(),
            (Some(a), None) => return Ok(a),
            (None, Some(b)) => b.data().iter().map(|b| b.wrapping_neg()).collect(),
            (None, None) => vec![0; n],
        };
        Ok(Arc::new(RingTensor::new(vec![n], difference)))
    })
}

/// A party's shares of `[x_i < x_j]` for all pairs of a node's inputs, a plane each.
pub(super) async fn signs(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<BitTensor, MpcError> {
    let pairs = pairs(node.inputs.len());
    let hats = node.inputs.iter().map(|&id| ctx.opening(id)).collect::<Result<Vec<_>, _>>()?;
    let comparisons = comparisons(node, bits);
    let below = comparisons.run(ctx, |p, range| {
        let (i, j) = pairs[p];
        let (a, b) = (&hats[i].data()[range.clone()], &hats[j].data()[range]);
        a.iter().zip(b).map(|(a, b)| a.wrapping_sub(*b)).collect::<Vec<u64>>()
    });
    let below = below.await?;
    Ok(BitTensor::concat_planes(&below.iter().collect::<Vec<_>>()))
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode, bits: u32) -> Result<(), MpcError> {
    let (n, k) = (elements(node), node.inputs.len());
    let pairs = pairs(k);
    deal_pairs(ctx, node, bits)?;
    if k > 2 {
        let (products, wires) = (products(k), pairs.len());
        let masks = ctx.step_masks(comparisons(node, bits).rounds() as u16);
        ctx.emit_tiles(n, Unit::Planes(products.dealt()), &|range, out| {
            let lambda = masks.read(Unit::Planes(wires).words(&range))?;
            for_each_block(
                range.len(),
                [(&lambda, wires)],
                [(out, products.dealt())],
                #[inline(always)]
                |[lambda], [out]| products.deal(&twice(lambda)[..2 * wires], out),
            );
            Ok(())
        })?;
    }
    Ok(())
}

/// The wires' masks: a bit and its complement have the same.
#[inline(always)]
fn twice(lanes: &[Lane]) -> [Lane; 32] {
    let mut both = [[0; 8]; 32];
    both[..lanes.len()].copy_from_slice(lanes);
    both[lanes.len()..2 * lanes.len()].copy_from_slice(lanes);
    both
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    let (n, k) = (elements(node), node.inputs.len());
    let pairs = pairs(k);
    let below = signs(ctx, node, bits).await?;
    if k == 2 {
        let mut above = below.clone();
        if ctx.first() {
            above.not();
        }
        return Ok(Output::Bits(BitTensor::concat_planes(&[&above, &below])));
    }
    let compared = comparisons(node, bits);
    let step = compared.rounds() as u16;
    let lambda = ctx.step_mask(step);
    let public = ctx.open(step, below.into_words())?.await?.unwrap_or_default();
    let dealt = ctx.dealt(compared.items())?;
    let (products, wires, first) = (products(k), pairs.len(), ctx.first());
    let mut out = vec![0; words(n, k)];
    for_each_tile(n, [(&mut out, Unit::Planes(k))], &|range, [out]| {
        let at = Unit::Planes(wires).words(&range);
        let (mut scratch, mut more) = (Scratch::default(), Scratch::default());
        let lambda = lambda.read(at.clone(), &mut scratch)?;
        let dealt = dealt.read(Unit::Planes(products.dealt()).words(&range), &mut more)?;
        for_each_block(
            range.len(),
            [(&public[at], wires), (lambda, wires), (dealt, products.dealt())],
            [(out, k)],
            #[inline(always)]
            |[public, lambda, dealt], [out]| {
                let mut both = twice(public);
                for lane in &mut both[wires..2 * wires] {
                    *lane = std::array::from_fn(|i| !lane[i]);
                }
                products.evaluate(first, &both[..2 * wires], &twice(lambda)[..2 * wires], dealt, out);
            },
        );
        Ok(())
    })?;
    Ok(Output::Bits(BitTensor::from_words(n, k, out)))
}
