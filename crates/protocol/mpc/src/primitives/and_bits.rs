//! The product of k bits, each opened under a mask bit: `Π (c_i ⊕ λ_i)`, multiplied out, is linear in the λ and in dealt
//! products of them (dealer-assisted fan-in as in arXiv 2602.19604).
//!
//! # Security
//! Nothing is opened here; the bits' openings under the λ are tasks of their own.

use tacita_correlations::{BitMask, Correlation, Scratch, Unit, for_each_block, for_each_tile, words};
use tacita_program::{RingId, RingNode};
use tacita_ring::BitTensor;

use crate::error::MpcError;
use crate::output::Output;
use crate::products::Products;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::value;

fn products(node: &RingNode) -> Products {
    let k = node.inputs.len();
    Products::new(k, &[vec![(0..k).collect()]])
}

pub(super) fn steps(node: &RingNode) -> Steps {
    let lambda = BitMask::Values(node.inputs.iter().map(|&id| value(id)).collect());
    let sets = products(node).sets().collect();
    Steps { dealt: vec![Correlation::bit_products(elements(node), lambda, sets)], openings: vec![] }
}

/// One tensor of a plane an input.
fn planes(
    node: &RingNode,
    mut plane: impl FnMut(RingId) -> Result<Vec<u64>, MpcError>,
) -> Result<BitTensor, MpcError> {
    let n = elements(node);
    let planes = node.inputs.iter().map(|&id| Ok(BitTensor::from_words(n, 1, plane(id)?)));
    let planes = planes.collect::<Result<Vec<BitTensor>, MpcError>>()?;
    Ok(BitTensor::concat_planes(&planes.iter().collect::<Vec<_>>()))
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let (n, k, products, first) = (elements(node), node.inputs.len(), products(node), ctx.first());
    let public = planes(node, |id| Ok(ctx.masked_bits(id)?.words().to_vec()))?;
    let lambda = planes(node, |id| Ok(ctx.bit_mask(id, words(n, 1))?.into_local()))?;
    let dealt = ctx.dealt(0)?;
    let mut out = vec![0; words(n, 1)];
    for_each_tile(n, [(&mut out, Unit::Planes(1))], &|range, [out]| {
        let at = Unit::Planes(k).words(&range);
        let mut scratch = Scratch::default();
        let dealt = dealt.read(Unit::Planes(products.dealt()).words(&range), &mut scratch)?;
        for_each_block(
            range.len(),
            [(&public.words()[at.clone()], k), (&lambda.words()[at], k), (dealt, products.dealt())],
            [(out, 1)],
            #[inline(always)]
            |[public, lambda, dealt], [out]| products.evaluate(first, public, lambda, dealt, out),
        );
        Ok(())
    })?;
    Ok(Output::bits(BitTensor::from_words(n, 1, out)))
}
