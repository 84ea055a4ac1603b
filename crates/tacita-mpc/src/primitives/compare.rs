//! Signs of opened values, many at once: `msb z = msb ẑ ⊕ msb r ⊕ [ẑ mod 2^63 < r mod 2^63]`.
//!
//! # Security
//! Parties see the two levels' (lt, eq) bits under fresh uniform masks; what the dealer deals are shares. The dealer
//! sees nothing but its own masks.

use std::borrow::Cow;
use std::ops::Range;

use tacita_ring::BitTensor;

use crate::blocks::{Unit, for_each_block, for_each_tile, words};
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
pub(super) fn deal(
    ctx: &mut DealContext<'_>,
    n: usize,
    count: usize,
    mut mask: impl FnMut(&mut DealContext<'_>, usize) -> Result<Vec<u64>, MpcError>,
) -> Result<(), MpcError> {
    for i in 0..count {
        let r = mask(ctx, i)?;
        let mut out = vec![0; words(n, LEAF_DEALT)];
        for_each_tile(n, [(&mut out, Unit::Planes(LEAF_DEALT))], &|range, [out]| {
            let r = BitTensor::from_ring(&r[range.clone()]);
            let inputs = [(r.words(), 64)];
            let outputs = [(out, LEAF_DEALT)];
            for_each_block(
                range.len(),
                inputs,
                outputs,
                #[inline(always)]
                |[r], [out]| deal_leaves(r, out),
            );
            Ok(())
        })?;
        drop(r);
        ctx.emit(out)?;
        // each level: how many wires, how many planes of products
        for (level, wires, dealt) in [(0, LEVEL1_WIRES, level1_dealt()), (1, LEVEL2_WIRES, level2_dealt())] {
            let masks = ctx.step_masks(level);
            let first = i * words(n, wires);
            let mut out = vec![0; words(n, dealt)];
            for_each_tile(n, [(&mut out, Unit::Planes(dealt))], &|range, [out]| {
                let at = Unit::Planes(wires).words(&range);
                let lambda = masks.read(first + at.start..first + at.end)?;
                for_each_block(
                    range.len(),
                    [(&lambda, wires)],
                    [(out, dealt)],
                    #[inline(always)]
                    |[lambda], [out]| match level {
                        0 => deal_level1(lambda, out),
                        _ => deal_level2(lambda, out),
                    },
                );
                Ok(())
            })?;
            ctx.emit(out)?;
        }
    }
    Ok(())
}

/// A party's XOR shares of `[x < 0]`, a plane of bits for each opening. `hat` gives a range of an opening.
pub(super) async fn signs<'h, H>(
    ctx: TaskContext<'_>,
    n: usize,
    count: usize,
    hat: impl Fn(usize, Range<usize>) -> H + Sync,
) -> Result<Vec<BitTensor>, MpcError>
where
    H: Into<Cow<'h, [u64]>>,
{
    let first = ctx.first();
    let (w1, w2) = (words(n, LEVEL1_WIRES), words(n, LEVEL2_WIRES));
    let mut tops = Vec::with_capacity(count);
    let mut wires = vec![0; count * w1];
    for (i, wires) in wires.chunks_exact_mut(w1).enumerate() {
        let dealt = ctx.dealt(ITEMS * i)?;
        let mut top = vec![0; words(n, 1)];
        let outputs = [(wires, Unit::Planes(LEVEL1_WIRES)), (&mut top[..], Unit::Planes(1))];
        for_each_tile(n, outputs, &|range, [wires, top]| {
            let c = BitTensor::from_ring(&hat(i, range.clone()).into());
            let mut scratch = Vec::new();
            let dealt = dealt.read(Unit::Planes(LEAF_DEALT).words(&range), &mut scratch)?;
            for_each_block(
                range.len(),
                [(c.words(), 64), (dealt, LEAF_DEALT)],
                [(wires, LEVEL1_WIRES), (top, 1)],
                #[inline(always)]
                |[c, dealt], [out, top]| {
                    leaves(first, c, dealt, out);
                    top[0] = if first { xor(&c[63], &dealt[LEAF_DEALT - 1]) } else { dealt[LEAF_DEALT - 1] };
                },
            );
            Ok(())
        })?;
        tops.push(top);
    }
    let lambda = ctx.step_mask(0);
    let public = ctx.open_bits(0, wires)?.await?.unwrap_or_default();
    let mut wires = vec![0; count * w2];
    for (i, wires) in wires.chunks_exact_mut(w2).enumerate() {
        let dealt = ctx.dealt(ITEMS * i + 1)?;
        for_each_tile(n, [(wires, Unit::Planes(LEVEL2_WIRES))], &|range, [out]| {
            let at = Unit::Planes(LEVEL1_WIRES).words(&range);
            let at = i * w1 + at.start..i * w1 + at.end;
            let (mut scratch, mut more) = (Vec::new(), Vec::new());
            let lambda = lambda.read(at.clone(), &mut scratch)?;
            let dealt = dealt.read(Unit::Planes(level1_dealt()).words(&range), &mut more)?;
            for_each_block(
                range.len(),
                [(&public[at], LEVEL1_WIRES), (lambda, LEVEL1_WIRES), (dealt, level1_dealt())],
                [(out, LEVEL2_WIRES)],
                #[inline(always)]
                |[public, lambda, dealt], [out]| level1(first, public, lambda, dealt, out),
            );
            Ok(())
        })?;
    }
    drop(public);
    let lambda = ctx.step_mask(1);
    let public = ctx.open_bits(1, wires)?.await?.unwrap_or_default();
    let mut signs = Vec::with_capacity(count);
    for (i, mut sign) in tops.into_iter().enumerate() {
        let dealt = ctx.dealt(ITEMS * i + 2)?;
        for_each_tile(n, [(&mut sign, Unit::Planes(1))], &|range, [sign]| {
            let at = Unit::Planes(LEVEL2_WIRES).words(&range);
            let at = i * w2 + at.start..i * w2 + at.end;
            let (mut scratch, mut more) = (Vec::new(), Vec::new());
            let lambda = lambda.read(at.clone(), &mut scratch)?;
            let dealt = dealt.read(Unit::Planes(level2_dealt()).words(&range), &mut more)?;
            for_each_block(
                range.len(),
                [(&public[at], LEVEL2_WIRES), (lambda, LEVEL2_WIRES), (dealt, level2_dealt())],
                [(sign, 1)],
                #[inline(always)]
                |[public, lambda, dealt], [sign]| {
                    let mut less = [[0; 8]];
                    level2(first, public, lambda, dealt, &mut less);
                    sign[0] = xor(&sign[0], &less[0]);
                },
            );
            Ok(())
        })?;
        signs.push(BitTensor::from_words(n, 1, sign));
    }
    Ok(signs)
}

/// Dealt items of one comparison.
pub(super) const fn items() -> usize {
    ITEMS
}
