//! The one-hot position of the largest of k values: all pairs are compared at once on differences of their masked
//! values, ties go to the lower index, and the products of the pairs' bits come from dealt products of
//! their masks.
//!
//! # Security
//! That of `compare`, and one more opening: the pairs' bits under fresh masks. For two values none.

use tacita_correlations::{
    BitMask, Correlation, Item, Lane, RingMask, Scratch, Share, Unit, for_each_block, for_each_tile, pairs,
    words,
};
use tacita_program::RingNode;
use tacita_ring::BitTensor;

use super::compare::Comparisons;
use crate::error::MpcError;
use crate::output::Output;
use crate::products::Products;
use crate::sizes::elements;
use crate::steps::{Opening, Steps};
use crate::task::TaskContext;
use crate::values::Values;

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

/// The steps of comparing all pairs of a node's inputs.
pub(super) fn steps_of_pairs(values: &Values<'_>, node: &RingNode, bits: u32) -> Steps {
    let pairs = pairs(node.inputs.len());
    comparisons(node, bits).steps(0, |p| {
        let (i, j) = pairs[p];
        RingMask::Difference(values.masked(node.inputs[i]), values.masked(node.inputs[j]))
    })
}

pub(super) fn steps(values: &Values<'_>, node: &RingNode, bits: u32) -> Steps {
    let (n, k) = (elements(node), node.inputs.len());
    let pairs = pairs(k).len();
    let mut steps = steps_of_pairs(values, node, bits);
    if k > 2 {
        let lambda = BitMask::Step { step: steps.openings.len() as u16, first: 0, planes: pairs };
        // a bit and its complement have the same mask
        let same = |set: u64| set >> pairs | set & ((1 << pairs) - 1);
        let sets = products(k).sets().map(same).collect();
        steps.dealt.push(Correlation::bit_products(n, lambda, sets));
        steps.openings.push(Opening::all(Item::Bits(words(n, pairs))));
    }
    steps
}

/// A party's shares of `[x_i < x_j]` for all pairs of a node's inputs, a plane each.
pub(super) async fn signs(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<BitTensor, MpcError> {
    let pairs = pairs(node.inputs.len());
    let hats = node.inputs.iter().map(|&id| ctx.masked(id)).collect::<Result<Vec<_>, _>>()?;
    let comparisons = comparisons(node, bits);
    let below = comparisons.run(ctx, |p, range| {
        let (i, j) = pairs[p];
        let (a, b) = (&hats[i].data()[range.clone()], &hats[j].data()[range]);
        a.iter().zip(b).map(|(a, b)| a.wrapping_sub(*b)).collect::<Vec<u64>>()
    });
    let below = below.await?;
    Ok(BitTensor::concat_planes(&below.iter().collect::<Vec<_>>()))
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
        return Ok(Output::bits(BitTensor::concat_planes(&[&above, &below])));
    }
    let compared = comparisons(node, bits);
    let step = compared.rounds() as u16;
    let lambda = ctx.step_mask(step);
    let public = ctx.open(step, Share::new(below.into_words())).await?.unwrap_or_default();
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
    Ok(Output::bits(BitTensor::from_words(n, k, out)))
}
