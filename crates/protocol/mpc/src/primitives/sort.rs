//! Rows of columns in order of their keys: shuffled by permutations that nobody knows, compared all with all, and put in
//! order by permutations that everybody learns.
//!
//! *Shuffle.* In step j the parties open `x + a` to party j alone, a the sum of their masks. Party j applies π_j, of its
//! seed with the dealer, and the dealer deals shares of `−π_j(a)`; with `π_j(x + a)` added by j these are shares of
//! `π_j(x)`. After P steps the rows are in an order that is uniform for whoever lacks one of the π_j.
//!
//! *Order.* The keys `2^shift·value + index` are opened under a mask, as many of their low bits as differences take, all pairs
//! are compared on differences of the masked keys, and the outcomes are opened to the parties, without a mask.
//!
//! # Security
//! Party j sees `x + a`, which is uniform as a has a mask of every party; keys and comparisons are under fresh masks. No two
//! keys are equal, so the outcomes of all pairs say exactly by which permutation the shuffled keys come into order. That is
//! the order of the keys after the inverse of a uniform permutation, and so uniform itself, whatever the keys: the simulator
//! draws one. Among several honest parties the shares of the outcomes are made fresh by sharings of zero from the parties'
//! own seeds, as in a reveal. The dealer knows all π_j and is sent no outcome.

use std::sync::Arc;
use tacita_correlations::{Correlation, Item, RingMask, Share, Shuffle, narrow, pairs, words};
use tacita_program::RingNode;
use tacita_ring::{BitTensor, RingTensor};

use super::compare::Comparisons;
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::{Opening, Receivers, Sender, Steps};
use crate::task::TaskContext;

/// The sizes of what is sorted: matrices of n rows and some columns.
#[derive(Clone, Copy)]
struct Sizes {
    matrices: usize,
    n: usize,
    columns: usize,
}

impl Sizes {
    fn of(node: &RingNode) -> Sizes {
        let [matrices, n, columns] = node.shape[..] else { unreachable!("lowering sorts three axes") };
        Sizes { matrices, n, columns }
    }

    /// All pairs (i, j), i < j, of a matrix' rows.
    fn pairs(self) -> Vec<(usize, usize)> {
        pairs(self.n)
    }

    /// The shuffle of its rows.
    fn shuffle(self) -> Shuffle {
        Shuffle { matrices: self.matrices, rows: self.n, columns: self.columns }
    }

    /// As what the keys are opened whose differences are compared in so many bits and a sign.
    fn keys(self, bits: u32) -> Item {
        Item::holding(self.matrices * self.n, bits + 1)
    }

    /// Comparisons in all.
    fn comparisons(self) -> usize {
        self.matrices * (self.n * (self.n - 1) / 2)
    }

    /// The signs of all differences, of so many bits.
    fn signs(self, bits: u32) -> Comparisons {
        Comparisons::signs(1, bits, self.comparisons())
    }

    /// The differences of pairs of keys in a range of all comparisons.
    fn differences(
        self,
        keys: &[u64],
        pairs: &[(usize, usize)],
        range: impl Iterator<Item = usize>,
    ) -> Vec<u64> {
        range
            .map(|at| {
                let (first, (i, j)) = (at / pairs.len() * self.n, pairs[at % pairs.len()]);
                keys[first + i].wrapping_sub(keys[first + j])
            })
            .collect()
    }

    /// The rows in order, from the outcomes of all comparisons. Keys out of range may contradict each other: then some
    /// order, the same at all parties.
    fn order(self, below: &BitTensor, pairs: &[(usize, usize)]) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.matrices * self.n);
        for matrix in 0..self.matrices {
            let mut ranks = vec![0; self.n];
            for (pair, &(i, j)) in pairs.iter().enumerate() {
                let larger = if below.get(matrix * pairs.len() + pair, 0) { j } else { i };
                ranks[larger] += 1;
            }
            let mut rows: Vec<usize> = (0..self.n).collect();
            rows.sort_by_key(|&row| (ranks[row], row));
            order.extend(rows.into_iter().map(|row| matrix * self.n + row));
        }
        order
    }
}

pub(super) fn steps(node: &RingNode, parties: usize, bits: u32) -> Steps {
    let (size, sizes, keys) = (elements(node), Sizes::of(node), parties as u16);
    let mut steps = Steps::default();
    for party in 0..parties {
        let item = Item::Ring(size);
        steps.dealt.push(Correlation::shuffled(party as u16, party, sizes.shuffle()));
        steps.openings.push(Opening { item, from: Sender::All, to: Receivers::Only(vec![party]) });
    }
    let item = sizes.keys(bits);
    steps.openings.push(Opening::all(item));
    let differences = |_| RingMask::PairDifferences { step: keys, item, group: sizes.n };
    let compared = sizes.signs(bits).steps(keys + 1, differences);
    steps.dealt.extend(compared.dealt);
    steps.openings.extend(compared.openings);
    steps.openings.push(Opening::all(Item::Bits(words(sizes.comparisons(), 1))));
    steps
}

pub(super) async fn run(
    ctx: TaskContext<'_>,
    node: &RingNode,
    shift: u32,
    bits: u32,
) -> Result<Output, MpcError> {
    let (size, sizes, parties) = (elements(node), Sizes::of(node), ctx.plan().parties());
    let shuffle = sizes.shuffle();
    let mut share =
        ctx.share(node.inputs[0])?.map_or_else(|| vec![0; size], |share| share.local().data().to_vec());
    for party in 0..parties {
        let opened = ctx.open(party as u16, Share::new(share)).await?;
        share = vec![0; size];
        ctx.add_dealt(party, &mut share)?;
        if let Some(opened) = opened {
            let order = shuffle.permutation(&ctx.permutation(shuffle.draws())?);
            let opened = shuffle.permuted(&opened, &order);
            share.iter_mut().zip(opened).for_each(|(share, x)| *share = share.wrapping_add(x));
        }
    }
    let rows = share.chunks_exact(sizes.columns);
    let keys: Vec<u64> = rows.map(|row| (row[0] << shift).wrapping_add(row[1])).collect();
    let (step, item) = (parties as u16, sizes.keys(bits));
    let keys = ctx.open(step, Share::new(narrow::packed(item, &keys))).await?.unwrap_or_default();
    let keys = narrow::unpacked(item, keys.into_known());
    let pairs = sizes.pairs();
    let signs = sizes.signs(bits);
    let below = signs.run(ctx.part(step + 1, parties), |_, range| sizes.differences(&keys, &pairs, range));
    let below = below.await?.pop().ok_or_else(|| MpcError::Internal("no comparison".into()))?;
    let outcomes = ctx.open_outcomes(step + 1 + signs.rounds() as u16, Share::new(Arc::new(below))).await?;
    let outcomes = BitTensor::from_words(sizes.comparisons(), 1, outcomes);
    let sorted = shuffle.permuted(&share, &sizes.order(&outcomes, &pairs));
    Ok(Output::share(RingTensor::new(node.shape.clone(), sorted)))
}
