//! The trees of comparisons: of how many bits their leaves are, and which levels combine them.
//!
//! Smaller leaves and smaller groups take fewer planes and more levels, each of which is a round. So the number of what is
//! compared counts: a level more where the bytes that it saves are worth a round.

use tacita_correlations::words;

use super::leaves::{Leaves, Span};
use super::level::{ARITY, Level};
use crate::target::TARGET;

/// The most levels.
const LEVELS: usize = 3;

/// The trees of comparisons of one mask's bits, each in a span of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Trees {
    /// What is dealt of the mask.
    pub leaves: Leaves,
    /// The levels of each span's tree, from the leaves to the root, which is the last.
    pub levels: Vec<Vec<Level>>,
    /// Planes that are sent: those dealt, and those that two parties open.
    sent: usize,
}

impl Trees {
    /// Those that cost least for so many elements, in spans that end where `whole` does.
    ///
    /// # Panics
    /// If spans do not begin at even bits of `whole`.
    pub fn cheapest(whole: Span, spans: &[Span], elements: usize) -> Trees {
        let sizes = [4, 3, 2].map(|size| Leaves { span: whole, size });
        let possible = sizes
            .iter()
            .flat_map(|leaves| (0..=LEVELS).map(move |rounds| (leaves, rounds)))
            .filter_map(|(leaves, rounds)| Some((Trees::of(*leaves, spans, rounds)?, rounds)));
        let cost = |(trees, rounds): &(Trees, usize)| words(elements, trees.sent) * 8 + rounds * TARGET.round;
        // the first of equals, which has the larger leaves
        possible.min_by_key(cost).map(|(trees, _)| trees).unwrap_or_else(|| panic!("{spans:?} of {whole:?}"))
    }

    /// Those with the fewest planes that take at most so many rounds, if there are any.
    fn of(leaves: Leaves, spans: &[Span], rounds: usize) -> Option<Trees> {
        let mut trees = Trees { leaves, levels: vec![], sent: leaves.dealt() };
        for &span in spans {
            let (sent, levels) = fewest(leaves.part(span)?.count(), rounds)?;
            trees.levels.push(levels);
            trees.sent += sent;
        }
        Some(trees)
    }
}

/// The levels that make one of so many nodes with the fewest planes, and these, if so many levels are enough.
fn fewest(nodes: usize, most: usize) -> Option<(usize, Vec<Level>)> {
    if nodes == 1 {
        return Some((0, vec![Level::new(1, 1)]));
    }
    let most = most.checked_sub(1)?;
    let trees = (nodes.div_ceil(ARITY)..=nodes / 2).filter_map(|groups| {
        let (sent, mut levels) = fewest(groups, most)?;
        let level = Level::new(nodes, groups);
        let sent = sent + level.dealt() + 2 * level.wires();
        levels.insert(0, level);
        Some((sent, levels))
    });
    trees.min_by_key(|(sent, _)| *sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds, and planes dealt and opened, of the comparison of the lowest bits.
    fn costs(bits: usize, elements: usize) -> (usize, usize, usize) {
        let span = Span::new(0, bits);
        let trees = Trees::cheapest(span, &[span], elements);
        let (_, levels) = trees.levels[0].split_last().unwrap();
        let dealt = trees.leaves.dealt() + levels.iter().map(Level::dealt).sum::<usize>();
        let opened = levels.iter().map(Level::wires).sum();
        assert_eq!(trees.sent, dealt + 2 * opened);
        (levels.len(), dealt, opened)
    }

    #[test]
    fn a_round_more_where_it_saves_enough() {
        for (bits, few, many) in [
            (63, (2, 328, 33), (3, 206, 50)),
            (48, (2, 224, 25), (3, 149, 38)),
            (16, (1, 75, 6), (2, 46, 12)),
            (8, (1, 22, 4), (1, 22, 4)),
            (4, (0, 15, 0), (0, 15, 0)),
        ] {
            assert_eq!((costs(bits, 100), costs(bits, 1_000_000)), (few, many), "{bits} bits");
        }
        // the last that does not, and the first that does
        let sent = |(_, dealt, opened): (usize, usize, usize)| dealt + 2 * opened;
        for (bits, planes) in [(63, 88), (48, 49)] {
            assert_eq!(sent(costs(bits, 100)) - sent(costs(bits, 1_000_000)), planes);
            let enough = TARGET.round.div_ceil(8 * planes) * 64;
            assert_eq!([enough - 64, enough].map(|n| costs(bits, n).0), [2, 3], "{bits} bits");
        }
    }

    #[test]
    fn leaves_begin_where_the_spans_do() {
        let whole = Span::new(8, 63);
        for (lows, size) in [(&[8][..], 3), (&[8, 20], 4), (&[8, 12], 4), (&[11], 3), (&[8, 10], 2)] {
            let spans: Vec<Span> = lows.iter().map(|&low| Span::new(low, 63)).collect();
            let trees = Trees::cheapest(whole, &spans, 1_000_000);
            assert_eq!((trees.leaves.size, trees.levels.len()), (size, lows.len()), "from {lows:?}");
        }
    }
}
