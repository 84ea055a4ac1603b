//! Comparisons of masked values, many at once: `[ẑ < r]` in some of their bits, and with it signs: bit k of any
//! -2^k <= z < 2^k, `ẑ_k ⊕ r_k ⊕ [ẑ mod 2^k < r mod 2^k]`.
//!
//! # Security
//! Parties see what levels open of (lt, eq) under fresh uniform masks; what the dealer deals are shares. The dealer
//! sees nothing but its own masks.

use std::borrow::Cow;
use std::ops::Range;

use tacita_correlations::{
    BitMask, Correlation, Item, RingMask, Scratch, Share, Unit, for_each_block, for_each_tile, words, xor,
};
use tacita_ring::BitTensor;

use crate::comparison::{Leaves, Level, Nodes, Span, Trees};
use crate::error::MpcError;
use crate::steps::{Opening, Steps};
use crate::task::TaskContext;

/// Comparisons that run together: each of a masked value with one of some masks, of as many elements each.
pub(super) struct Comparisons {
    n: usize,
    /// The leaves of each mask that are dealt.
    masks: Vec<Mask>,
    comparisons: Vec<Comparison>,
    rounds: usize,
}

struct Mask {
    leaves: Leaves,
    /// The bit of each mask that is dealt with the leaves and added to the results.
    sign: Option<usize>,
}

struct Comparison {
    mask: usize,
    leaves: Leaves,
    /// Up to the root, which is the last.
    levels: Vec<Level>,
}

impl Comparisons {
    /// The signs of `count` times `n` values from -2^bits to below 2^bits, each masked by a mask of its own.
    pub fn signs(count: usize, bits: u32, n: usize) -> Comparisons {
        let (span, sign) = (Span::new(0, bits as usize), Some(bits as usize));
        let Trees { leaves, levels, .. } = Trees::cheapest(span, &[span], count * n);
        let levels = levels.into_iter().cycle().take(count);
        let comparisons = levels.zip(0..).map(|(levels, mask)| Comparison { mask, leaves, levels }).collect();
        Comparisons::new(n, (0..count).map(|_| Mask { leaves, sign }).collect(), comparisons)
    }

    /// Comparisons of `n` elements with one mask in these spans, which end where `whole` does, the results XORed with bit
    /// `sign` of masked value and mask.
    pub fn of(whole: Span, sign: Option<usize>, spans: &[Span], n: usize) -> Comparisons {
        let Trees { leaves, levels, .. } = Trees::cheapest(whole, spans, n);
        let comparisons = spans.iter().zip(levels).map(|(&span, levels)| Comparison {
            mask: 0,
            leaves: Leaves { span, ..leaves },
            levels,
        });
        Comparisons::new(n, vec![Mask { leaves, sign }], comparisons.collect())
    }

    fn new(n: usize, masks: Vec<Mask>, comparisons: Vec<Comparison>) -> Comparisons {
        let rounds = comparisons.iter().map(Comparison::rounds).max().unwrap_or(0);
        Comparisons { n, masks, comparisons, rounds }
    }

    /// Their rounds.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Their dealt items.
    pub fn items(&self) -> usize {
        self.masks.len() + self.comparisons.iter().map(Comparison::rounds).sum::<usize>()
    }

    /// The planes opened in a round, by comparison; none of those that have ended.
    fn wires(&self, step: usize) -> impl Iterator<Item = usize> + '_ {
        self.comparisons.iter().map(move |c| c.levels.get(step).map_or(0, Level::wires))
    }

    /// The correlations and openings, which are the openings of a task from `first_step` on. `mask` gives the masks of the
    /// values that are compared.
    pub fn steps(&self, first_step: u16, mask: impl Fn(usize) -> RingMask) -> Steps {
        let n = self.n;
        let leaves = |(i, own): (usize, &Mask)| {
            Correlation::bit_products(n, BitMask::Ring(mask(i)), own.sets().collect())
        };
        let mut dealt: Vec<Correlation> = self.masks.iter().enumerate().map(leaves).collect();
        let mut first = vec![0; self.rounds];
        for comparison in &self.comparisons {
            for ((level, _), (step, first)) in comparison.steps().zip((first_step..).zip(&mut first)) {
                let lambda = BitMask::Step { step, first: *first, planes: level.wires() };
                dealt.push(Correlation::bit_products(n, lambda, level.sets().collect()));
                *first += words(n, level.wires());
            }
        }
        let wires = |step| Item::Bits(words(n, self.wires(step).sum()));
        let openings = (0..self.rounds).map(|step| Opening::all(wires(step)));
        Steps { dealt, openings: openings.collect() }
    }

    /// A party's XOR shares of the results, a plane of bits each. `hat` gives a range of the masked value that a comparison is of.
    pub async fn run<'h, H>(
        &self,
        ctx: TaskContext<'_>,
        hat: impl Fn(usize, Range<usize>) -> H + Sync,
    ) -> Result<Vec<BitTensor>, MpcError>
    where
        H: Into<Cow<'h, [u64]>>,
    {
        let (n, first) = (self.n, ctx.first());
        let leaves = (0..self.masks.len()).map(|i| ctx.dealt(i)).collect::<Result<Vec<_>, _>>()?;
        let mut items = self.masks.len();
        let item = self.comparisons.iter().map(|comparison| {
            let at = items;
            items += comparison.rounds();
            at
        });
        let item: Vec<usize> = item.collect();
        // of each comparison what its next level opens, and what it keeps: of the root the result
        let mut opened: Vec<Vec<u64>> = Vec::with_capacity(self.comparisons.len());
        let mut kept: Vec<Vec<u64>> = Vec::with_capacity(self.comparisons.len());
        let mut signs: Vec<Option<Vec<u64>>> = Vec::with_capacity(self.comparisons.len());
        for (i, comparison) in self.comparisons.iter().enumerate() {
            let (mask, level) = (&self.masks[comparison.mask], &comparison.levels[0]);
            let (dealt, opens, keeps) = (mask.dealt(), level.wires(), level.kept());
            let source = &leaves[comparison.mask];
            let [mut open, mut keep, mut sign] = [opens, keeps, 1].map(|planes| vec![0; words(n, planes)]);
            let outputs = [(&mut open[..], opens), (&mut keep, keeps), (&mut sign, 1)];
            let outputs = outputs.map(|(out, planes)| (out, Unit::Planes(planes)));
            for_each_tile(n, outputs, &|range, [open, keep, sign]| {
                let c = BitTensor::from_ring(&hat(i, range.clone()).into());
                let mut scratch = Scratch::default();
                let products = source.read(Unit::Planes(dealt).words(&range), &mut scratch)?;
                for_each_block(
                    range.len(),
                    [(c.words(), 64), (products, dealt)],
                    [(open, opens), (keep, keeps), (sign, 1)],
                    #[inline(always)]
                    |[c, products], [open, keep, sign]| {
                        let nodes = Nodes::new(level, open, keep);
                        mask.leaves.evaluate(comparison.leaves, first, c, products, nodes);
                        if let Some(bit) = mask.sign {
                            let share = products[dealt - 1];
                            sign[0] = if first { xor(&c[bit], &share) } else { share };
                        }
                    },
                );
                Ok(())
            })?;
            opened.push(open);
            kept.push(keep);
            signs.push(mask.sign.map(|_| sign));
        }
        for step in 0..self.rounds {
            let running =
                || self.comparisons.iter().zip(0..).filter_map(|(c, i)| Some((i, c.steps().nth(step)?)));
            let mut wires = Vec::with_capacity(self.wires(step).map(|wires| words(n, wires)).sum());
            running().for_each(|(i, _)| wires.append(&mut opened[i]));
            let lambda = ctx.step_mask(step as u16);
            let public = ctx.open(step as u16, Share::new(wires)).await?.unwrap_or_default();
            let mut start = 0;
            for (i, (level, above)) in running() {
                let dealt = ctx.dealt(item[i] + step)?;
                let (wires, products, own) = (level.wires(), level.dealt(), level.kept());
                let (opens, keeps) = (above.wires(), above.kept());
                let [mut open, mut keep] = [opens, keeps].map(|planes| vec![0; words(n, planes)]);
                let outputs = [(&mut open[..], Unit::Planes(opens)), (&mut keep, Unit::Planes(keeps))];
                for_each_tile(n, outputs, &|range, [open, keep]| {
                    let at = Unit::Planes(wires).words(&range);
                    let at = start + at.start..start + at.end;
                    let (mut scratch, mut more) = (Scratch::default(), Scratch::default());
                    let lambda = lambda.read(at.clone(), &mut scratch)?;
                    let dealt = dealt.read(Unit::Planes(products).words(&range), &mut more)?;
                    let kept = &kept[i][Unit::Planes(own).words(&range)];
                    for_each_block(
                        range.len(),
                        [(&public[at], wires), (lambda, wires), (dealt, products), (kept, own)],
                        [(open, opens), (keep, keeps)],
                        #[inline(always)]
                        |inputs, [open, keep]| level.evaluate(first, inputs, Nodes::new(above, open, keep)),
                    );
                    Ok(())
                })?;
                (opened[i], kept[i]) = (open, keep);
                start += words(n, wires);
            }
        }
        let finished = kept.into_iter().zip(signs).map(|(mut less, sign)| {
            less.iter_mut().zip(sign.into_iter().flatten()).for_each(|(less, sign)| *less ^= sign);
            BitTensor::from_words(n, 1, less)
        });
        Ok(finished.collect())
    }
}

impl Mask {
    /// Planes dealt: the leaves' products, then the sign.
    fn dealt(&self) -> usize {
        self.leaves.dealt() + usize::from(self.sign.is_some())
    }

    /// For each dealt plane the bits of the mask that it multiplies.
    fn sets(&self) -> impl Iterator<Item = u64> {
        self.leaves.sets().chain(self.sign.map(|bit| 1 << bit))
    }
}

impl Comparison {
    fn rounds(&self) -> usize {
        self.levels.len() - 1
    }

    /// Each level that opens something, with the one above it.
    fn steps(&self) -> impl Iterator<Item = (&Level, &Level)> {
        self.levels.iter().zip(self.levels.iter().skip(1))
    }
}
