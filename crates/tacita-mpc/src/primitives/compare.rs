//! Comparisons of opened values, many at once: `[ẑ < r]` in some of their bits, and with it signs: bit k of any
//! -2^k <= z < 2^k, `ẑ_k ⊕ r_k ⊕ [ẑ mod 2^k < r mod 2^k]`.
//!
//! # Security
//! Parties see the levels' (lt, eq) bits under fresh uniform masks; what the dealer deals are shares. The dealer
//! sees nothing but its own masks.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use tacita_ring::{BitTensor, RingTensor};

use crate::blocks::{Unit, for_each_block, for_each_tile, words};
use crate::comparison::{Level, Span};
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::products::{Lane, xor};
use crate::steps::{Item, Opening, Steps};
use crate::streams::Scratch;
use crate::task::TaskContext;

/// Comparisons that run together: each of an opening with one of some masks.
pub(super) struct Comparisons {
    /// The bits of each mask whose leaves are dealt.
    masks: Vec<Mask>,
    comparisons: Vec<Comparison>,
    rounds: usize,
}

struct Mask {
    span: Span,
    /// The bit of each mask that is dealt with the leaves and added to the results.
    sign: Option<usize>,
}

struct Comparison {
    mask: usize,
    span: Span,
    levels: Vec<Level>,
}

impl Comparisons {
    /// The signs of `count` values from -2^bits to below 2^bits, each opened under a mask of its own.
    pub fn signs(count: usize, bits: u32) -> Comparisons {
        let (span, sign) = (Span::new(0, bits as usize), Some(bits as usize));
        let all = Comparisons::of(span, sign, &[span]);
        let comparison = |mask| Comparison { mask, span, levels: Level::all(span) };
        Comparisons {
            masks: (0..count).map(|_| Mask { span, sign }).collect(),
            comparisons: (0..count).map(comparison).collect(),
            ..all
        }
    }

    /// Comparisons with one mask in these spans, which end where `whole` does, the results XORed with bit `sign` of opening
    /// and mask.
    pub fn of(whole: Span, sign: Option<usize>, spans: &[Span]) -> Comparisons {
        let comparison = |span: &Span| Comparison { mask: 0, span: *span, levels: Level::all(*span) };
        let comparisons: Vec<Comparison> = spans.iter().map(comparison).collect();
        let rounds = comparisons.iter().map(|c| c.levels.len()).max().unwrap_or(0);
        Comparisons { masks: vec![Mask { span: whole, sign }], comparisons, rounds }
    }

    /// Their rounds.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Their dealt items.
    pub fn items(&self) -> usize {
        self.masks.len() + self.comparisons.iter().map(|c| c.levels.len()).sum::<usize>()
    }

    /// The planes opened in a round, by comparison; none of those that have ended.
    fn wires(&self, level: usize) -> impl Iterator<Item = usize> + '_ {
        self.comparisons.iter().map(move |c| c.levels.get(level).map_or(0, Level::wires))
    }

    /// Comparisons of `n` elements each.
    pub fn steps(&self, n: usize) -> Steps {
        let mut dealt: Vec<Item> = self.masks.iter().map(|mask| Item::Bits(words(n, mask.dealt()))).collect();
        for comparison in &self.comparisons {
            dealt.extend(comparison.levels.iter().map(|level| Item::Bits(words(n, level.dealt()))));
        }
        let wires = |level| self.wires(level).map(|wires| words(n, wires)).sum();
        let openings = (0..self.rounds).map(|level| Opening::all(Item::Bits(wires(level))));
        Steps { dealt, openings: openings.collect() }
    }

    /// The dealer's part, from the masks of the values that are compared.
    pub fn deal(
        &self,
        ctx: &mut DealContext<'_>,
        n: usize,
        mut mask: impl FnMut(&mut DealContext<'_>, usize) -> Result<Arc<RingTensor>, MpcError>,
    ) -> Result<(), MpcError> {
        for (i, leaves) in self.masks.iter().enumerate() {
            let r = mask(ctx, i)?;
            let r = &r.data()[..n];
            let planes = leaves.dealt();
            ctx.emit_tiles(n, Unit::Planes(planes), &|range, out| {
                let r = BitTensor::from_ring(&r[range.clone()]);
                for_each_block(
                    range.len(),
                    [(r.words(), 64)],
                    [(out, planes)],
                    #[inline(always)]
                    |[r], [out]| leaves.deal(r, out),
                );
                Ok(())
            })?;
        }
        let mut first = vec![0; self.rounds];
        for comparison in &self.comparisons {
            for (step, level) in comparison.levels.iter().enumerate() {
                let (wires, dealt) = (level.wires(), level.dealt());
                let masks = ctx.step_masks(step as u16);
                let before = first[step];
                ctx.emit_tiles(n, Unit::Planes(dealt), &|range, out| {
                    let at = Unit::Planes(wires).words(&range);
                    let lambda = masks.read(before + at.start..before + at.end)?;
                    for_each_block(
                        range.len(),
                        [(&lambda, wires)],
                        [(out, dealt)],
                        #[inline(always)]
                        |[lambda], [out]| level.deal(lambda, out),
                    );
                    Ok(())
                })?;
                first[step] += words(n, wires);
            }
        }
        Ok(())
    }

    /// A party's XOR shares of the results, a plane of bits each. `hat` gives a range of the opening that a comparison is of.
    pub async fn run<'h, H>(
        &self,
        ctx: TaskContext<'_>,
        n: usize,
        hat: impl Fn(usize, Range<usize>) -> H + Sync,
    ) -> Result<Vec<BitTensor>, MpcError>
    where
        H: Into<Cow<'h, [u64]>>,
    {
        let first = ctx.first();
        let leaves = (0..self.masks.len()).map(|i| ctx.dealt(i)).collect::<Result<Vec<_>, _>>()?;
        let mut items = self.masks.len();
        let item = self.comparisons.iter().map(|comparison| {
            let at = items;
            items += comparison.levels.len();
            at
        });
        let item: Vec<usize> = item.collect();
        // the results so far: the wires of the next level, or the end
        let mut results: Vec<Vec<u64>> = Vec::with_capacity(self.comparisons.len());
        let mut signs: Vec<Option<Vec<u64>>> = Vec::with_capacity(self.comparisons.len());
        for (i, comparison) in self.comparisons.iter().enumerate() {
            let mask = &self.masks[comparison.mask];
            let (planes, dealt) = (comparison.leaf_results(), mask.dealt());
            let mut out = vec![0; words(n, planes)];
            let mut sign = vec![0; words(n, 1)];
            let source = &leaves[comparison.mask];
            let outputs = [(&mut out[..], Unit::Planes(planes)), (&mut sign[..], Unit::Planes(1))];
            for_each_tile(n, outputs, &|range, [out, sign]| {
                let c = BitTensor::from_ring(&hat(i, range.clone()).into());
                let mut scratch = Scratch::default();
                let products = source.read(Unit::Planes(dealt).words(&range), &mut scratch)?;
                for_each_block(
                    range.len(),
                    [(c.words(), 64), (products, dealt)],
                    [(out, planes), (sign, 1)],
                    #[inline(always)]
                    |[c, products], [out, sign]| {
                        mask.span.evaluate(comparison.span, first, c, products, out);
                        if let Some(bit) = mask.sign {
                            let share = products[dealt - 1];
                            sign[0] = if first { xor(&c[bit], &share) } else { share };
                        }
                    },
                );
                Ok(())
            })?;
            results.push(out);
            signs.push(mask.sign.map(|_| sign));
        }
        for step in 0..self.rounds {
            let running =
                || self.comparisons.iter().zip(0..).filter_map(|(c, i)| Some((i, c.levels.get(step)?)));
            let mut wires = Vec::with_capacity(self.wires(step).map(|wires| words(n, wires)).sum());
            running().for_each(|(i, _)| wires.append(&mut results[i]));
            let lambda = ctx.step_mask(step as u16);
            let public = ctx.open(step as u16, wires)?.await?.unwrap_or_default();
            let mut start = 0;
            for (i, level) in running() {
                let dealt = ctx.dealt(item[i] + step)?;
                let (wires, products, planes) = (level.wires(), level.dealt(), level.results());
                let mut out = vec![0; words(n, planes)];
                for_each_tile(n, [(&mut out, Unit::Planes(planes))], &|range, [out]| {
                    let at = Unit::Planes(wires).words(&range);
                    let at = start + at.start..start + at.end;
                    let (mut scratch, mut more) = (Scratch::default(), Scratch::default());
                    let lambda = lambda.read(at.clone(), &mut scratch)?;
                    let dealt = dealt.read(Unit::Planes(products).words(&range), &mut more)?;
                    for_each_block(
                        range.len(),
                        [(&public[at], wires), (lambda, wires), (dealt, products)],
                        [(out, planes)],
                        #[inline(always)]
                        |[public, lambda, dealt], [out]| level.evaluate(first, public, lambda, dealt, out),
                    );
                    Ok(())
                })?;
                results[i] = out;
                start += words(n, wires);
            }
        }
        let finished = results.into_iter().zip(signs).map(|(mut less, sign)| {
            less.iter_mut().zip(sign.into_iter().flatten()).for_each(|(less, sign)| *less ^= sign);
            BitTensor::from_words(n, 1, less)
        });
        Ok(finished.collect())
    }
}

impl Mask {
    /// Planes dealt: the leaves' products, then the sign.
    fn dealt(&self) -> usize {
        self.span.dealt() + usize::from(self.sign.is_some())
    }

    #[inline(always)]
    fn deal(&self, r: &[Lane], out: &mut [Lane]) {
        self.span.deal(r, out);
        if let (Some(bit), Some(last)) = (self.sign, out.last_mut()) {
            *last = r[bit];
        }
    }
}

impl Comparison {
    /// Planes that the leaves result in.
    fn leaf_results(&self) -> usize {
        self.levels.first().map_or(1, Level::wires)
    }
}
