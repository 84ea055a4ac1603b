//! Signs of opened values, many at once: `msb z = msb ẑ ⊕ msb r ⊕ [ẑ mod 2^63 < r mod 2^63]`.
//!
//! # Security
//! Parties see the two levels' (lt, eq) bits under fresh uniform masks; what the dealer deals are shares. The dealer
//! sees nothing but its own masks.

use tacita_ring::BitTensor;

use crate::blocks::{for_each_block, words};
use crate::comparison::{
    LEAF_DEALT, LEVEL1_WIRES, LEVEL2_WIRES, deal_leaves, deal_level1, deal_level2, leaves, level1,
    level1_dealt, level2, level2_dealt,
};
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::products::xor;
use crate::steps::{Item, Opening, Steps};
use crate::task::TaskContext;

/// Rounds of a comparison.
pub(super) const ROUNDS: usize = 2;
const ITEMS: usize = 3;

/// `count` comparisons of `n` elements each, in two rounds.
pub(super) fn steps(n: usize, count: usize) -> Steps {
    let one = [LEAF_DEALT, level1_dealt(), level2_dealt()].map(|planes| Item::Bits(words(n, planes)));
    Steps {
        dealt: one.repeat(count),
        openings: vec![
            Opening::all(count * words(n, LEVEL1_WIRES)),
            Opening::all(count * words(n, LEVEL2_WIRES)),
        ],
    }
}

/// The dealer's part, from the masks of the values whose signs are taken.
pub(super) fn deal<'m>(
    ctx: &mut DealContext<'_>,
    n: usize,
    count: usize,
    mut mask: impl FnMut(&mut DealContext<'_>, usize) -> Result<Vec<u64>, MpcError> + 'm,
) -> Result<(), MpcError> {
    let (w1, w2) = (words(n, LEVEL1_WIRES), words(n, LEVEL2_WIRES));
    for i in 0..count {
        let r = BitTensor::from_ring(&mask(ctx, i)?);
        let mut out = vec![0; words(n, LEAF_DEALT)];
        for_each_block(
            n,
            [(r.words(), 64)],
            [(&mut out, LEAF_DEALT)],
            #[inline(always)]
            |[r], [out]| deal_leaves(r, out),
        );
        ctx.emit(out)?;
        let lambda = ctx.step_mask_bits(0, i * w1, w1)?;
        let mut out = vec![0; words(n, level1_dealt())];
        for_each_block(
            n,
            [(&lambda, LEVEL1_WIRES)],
            [(&mut out, level1_dealt())],
            #[inline(always)]
            |[l], [out]| deal_level1(l, out),
        );
        ctx.emit(out)?;
        let lambda = ctx.step_mask_bits(1, i * w2, w2)?;
        let mut out = vec![0; words(n, level2_dealt())];
        for_each_block(
            n,
            [(&lambda, LEVEL2_WIRES)],
            [(&mut out, level2_dealt())],
            #[inline(always)]
            |[l], [out]| deal_level2(l, out),
        );
        ctx.emit(out)?;
    }
    Ok(())
}

/// A party's XOR shares of `[x < 0]`, a plane of bits for each opening.
pub(super) async fn signs(
    ctx: TaskContext<'_>,
    n: usize,
    count: usize,
    hat: impl Fn(usize) -> Result<Vec<u64>, MpcError>,
) -> Result<Vec<BitTensor>, MpcError> {
    let first = ctx.first();
    let (w1, w2) = (words(n, LEVEL1_WIRES), words(n, LEVEL2_WIRES));
    let mut tops = Vec::with_capacity(count);
    let mut wires = vec![0; count * w1];
    for i in 0..count {
        let c = BitTensor::from_ring(&hat(i)?);
        let dealt = ctx.dealt(ITEMS * i)?;
        let mut top = vec![0; words(n, 1)];
        let outputs = [(&mut wires[i * w1..(i + 1) * w1], LEVEL1_WIRES), (&mut top[..], 1)];
        for_each_block(
            n,
            [(c.words(), 64), (&dealt, LEAF_DEALT)],
            outputs,
            #[inline(always)]
            |[c, dealt], [out, top]| {
                leaves(first, c, dealt, out);
                top[0] = if first { xor(&c[63], &dealt[LEAF_DEALT - 1]) } else { dealt[LEAF_DEALT - 1] };
            },
        );
        tops.push(top);
    }
    let lambda = ctx.step_mask(0, wires.len())?;
    let public = ctx.open_bits(0, wires)?.await?.unwrap_or_default();
    let mut wires = vec![0; count * w2];
    for i in 0..count {
        let dealt = ctx.dealt(ITEMS * i + 1)?;
        let range = i * w1..(i + 1) * w1;
        for_each_block(
            n,
            [
                (&public[range.clone()], LEVEL1_WIRES),
                (&lambda[range], LEVEL1_WIRES),
                (&dealt, level1_dealt()),
            ],
            [(&mut wires[i * w2..(i + 1) * w2], LEVEL2_WIRES)],
            #[inline(always)]
            |[public, lambda, dealt], [out]| level1(first, public, lambda, dealt, out),
        );
    }
    let lambda = ctx.step_mask(1, wires.len())?;
    let public = ctx.open_bits(1, wires)?.await?.unwrap_or_default();
    let mut signs = Vec::with_capacity(count);
    for (i, top) in tops.into_iter().enumerate() {
        let dealt = ctx.dealt(ITEMS * i + 2)?;
        let range = i * w2..(i + 1) * w2;
        let mut sign = vec![0; words(n, 1)];
        for_each_block(
            n,
            [
                (&public[range.clone()], LEVEL2_WIRES),
                (&lambda[range], LEVEL2_WIRES),
                (&dealt, level2_dealt()),
                (&top, 1),
            ],
            [(&mut sign, 1)],
            #[inline(always)]
            |[public, lambda, dealt, top], [out]| {
                level2(first, public, lambda, dealt, out);
                out[0] = xor(&out[0], &top[0]);
            },
        );
        signs.push(BitTensor::from_words(n, 1, sign));
    }
    Ok(signs)
}

/// Dealt items of one comparison.
pub(super) const fn items() -> usize {
    ITEMS
}
