//! Comparisons, and choosing the largest of a few values.

use super::{Lowering, gate};
use crate::error::GraphError;
use tacita_program::{RangeBound, RingId, RingOp, Target, Threshold};

/// The most values that one comparison of all pairs takes.
pub(crate) const CANDIDATES: usize = 4;

/// `[input i < input j]`.
pub(crate) fn less(l: &mut Lowering<'_>, i: usize, j: usize) -> Result<RingId, GraphError> {
    let frac = l.common_frac();
    let (a, b) = (l.ring(i, frac)?, l.ring(j, frac)?);
    let shape = l.shape();
    if l.uniform(j) == Some(0.0) && l.shape_of(a) == shape {
        return Ok(l.negative(a));
    }
    let difference = l.push(RingOp::Sub, &[a, b], &shape, frac);
    Ok(l.negative(difference))
}

/// `[input i >= input j]`.
pub(crate) fn not_less(l: &mut Lowering<'_>, i: usize, j: usize) -> Result<RingId, GraphError> {
    let less = less(l, i, j)?;
    let shape = l.shape();
    Ok(l.push_bits(RingOp::NotBits, &[less], &shape, 1))
}

/// `[input i = input j]`.
pub(crate) fn equal(l: &mut Lowering<'_>, i: usize, j: usize) -> Result<RingId, GraphError> {
    let frac = l.common_frac();
    let (a, b) = (l.ring(i, frac)?, l.ring(j, frac)?);
    let shape = l.shape();
    let difference = l.push(RingOp::Sub, &[a, b], &shape, frac);
    Ok(l.zero(difference))
}

/// The one-hot position of the largest candidate, the first where several are equal. All have one shape.
pub(crate) fn winner(l: &mut Lowering<'_>, candidates: &[RingId]) -> RingId {
    let shape = l.shape_of(candidates[0]).to_vec();
    let bits = l.pair_bits(candidates);
    l.push_bits(RingOp::OneHotArgmax { bits }, candidates, &shape, candidates.len())
}

/// The candidate that `bits` names, truncated to `frac`. All have one shape and the same fractional bits.
pub(crate) fn choose(l: &mut Lowering<'_>, bits: RingId, candidates: &[RingId], frac: u32) -> RingId {
    let shape = l.shape_of(bits).to_vec();
    let truncate = l.frac_of(candidates[0]) - frac;
    let inputs: Vec<RingId> = std::iter::once(bits).chain(candidates.iter().copied()).collect();
    let truncate = vec![truncate; candidates.len()];
    l.push(RingOp::Select { truncate }, &inputs, &shape, frac)
}

/// As [`choose`], for candidates of fractional bits of their own, given with each: public ones must have `frac`.
pub(crate) fn choose_each(
    l: &mut Lowering<'_>,
    bits: RingId,
    candidates: &[(RingId, u32)],
    frac: u32,
) -> RingId {
    let shape = l.shape_of(bits).to_vec();
    let truncate = candidates.iter().map(|(_, have)| have - frac).collect();
    let inputs: Vec<RingId> =
        std::iter::once(bits).chain(candidates.iter().map(|(candidate, _)| *candidate)).collect();
    l.push(RingOp::Select { truncate }, &inputs, &shape, frac)
}

/// The sum of the numbers whose plane of `bits` is 1, as a ring value with `frac` fractional bits: `numbers` lists planes with
/// numbers, ring elements; of others it is zero. Linear in lifted bits.
pub(crate) fn weighted(l: &mut Lowering<'_>, bits: RingId, numbers: &[(usize, i64)], frac: u32) -> RingId {
    let shape = l.shape_of(bits).to_vec();
    let mut sum: Option<RingId> = None;
    for &(plane, number) in numbers.iter().filter(|(_, number)| *number != 0) {
        let bit = l.lift(bits, plane);
        let term = l.push(RingOp::Scale { factor: number }, &[bit], &shape, frac);
        sum = Some(match sum {
            Some(sum) => l.push(RingOp::Add, &[sum, term], &shape, frac),
            None => term,
        });
    }
    sum.unwrap_or_else(|| l.constant(0, &shape, frac))
}

/// The same of one-hot `bits`, which choose one of the numbers.
pub(crate) fn constants(l: &mut Lowering<'_>, bits: RingId, numbers: &[(usize, i64)], frac: u32) -> RingId {
    let chosen = weighted(l, bits, numbers, frac);
    let all = numbers.iter().map(|&(_, number)| i128::from(number));
    let (least, most) = all.fold((0, 0), |(least, most), number| (number.min(least), number.max(most)));
    l.within(chosen, RangeBound::new(least, most));
    chosen
}

/// x without its last `truncate` bits, times the factor that one-hot `bits` choose, understood to have `frac` fractional
/// bits.
pub(crate) fn rescale(
    l: &mut Lowering<'_>,
    bits: RingId,
    factors: &[i64],
    x: RingId,
    truncate: u32,
    frac: u32,
) -> RingId {
    let shape = l.shape_of(bits).to_vec();
    let numbers: Vec<(usize, i64)> = factors.iter().copied().enumerate().collect();
    let factor = constants(l, bits, &numbers, 0);
    let op = RingOp::SelectScale { factors: factors.to_vec(), truncate };
    l.push(op, &[bits, factor, x], &shape, frac)
}

/// The bits of all pairs of candidates, which say which is the largest. All have one shape.
pub(crate) fn pairs(l: &mut Lowering<'_>, candidates: &[RingId]) -> RingId {
    let (shape, k) = (l.shape_of(candidates[0]).to_vec(), candidates.len());
    let bits = l.pair_bits(candidates);
    l.push_bits(RingOp::LessThanPairs { bits }, candidates, &shape, k * (k - 1) / 2)
}

/// What belongs to the candidate that the bits of all pairs say is the largest, truncated to `frac`. A round less than by
/// [`winner`] and [`choose`], for more bytes.
pub(crate) fn choose_largest(
    l: &mut Lowering<'_>,
    pairs: RingId,
    candidates: &[RingId],
    frac: u32,
) -> RingId {
    let shape = l.shape_of(pairs).to_vec();
    let truncate = l.frac_of(candidates[0]) - frac;
    let inputs: Vec<RingId> = std::iter::once(pairs).chain(candidates.iter().copied()).collect();
    l.push(RingOp::SelectLargest { truncate }, &inputs, &shape, frac)
}

/// The larger of two inputs or, with `negate`, the smaller; by the comparison that its derivative makes, too.
pub(crate) fn larger(l: &mut Lowering<'_>, negate: bool) -> Result<RingId, GraphError> {
    let (frac, result, shape) = (l.common_frac(), l.frac(), l.shape());
    let [a, b] = [l.ring(0, frac)?, l.ring(1, frac)?].map(|x| l.broadcast(x, &shape));
    // of numbers less than a unit apart it may be either; the first of equals
    let (ahead, behind) = if negate { (b, a) } else { (a, b) };
    let difference = l.push(RingOp::Sub, &[ahead, behind], &shape, frac);
    let bits = not_negative(l, difference, result);
    Ok(choose(l, bits, &[b, a], result))
}

/// How the largest of some values was found.
pub(crate) enum Tree {
    /// It is this candidate; zero, where it is one, is the last.
    Only(usize),
    /// Two planes say that it is of the second (`[a < b]`) or of the first.
    Pair(RingId, Box<[Tree; 2]>),
    /// A one-hot position says of which it is.
    Group(RingId, Vec<Tree>),
}

/// The largest of any number of values of one shape and, with `zero`, of zero, with `frac` fractional bits; and how it was
/// found.
///
/// Candidates are compared in pairs, or all with all in groups of four, which takes fewer rounds and more bytes. What is
/// chosen keeps its fractional bits up to the last level. Where they are more than the result's, what differs by less than
/// a sixteenth of the result's unit may count as equal; [`ROUGHNESS`] units are more than all levels together may so lose.
///
/// Candidates are below 2^62, as products of representable numbers are; compared roughly, by a sixteenth of a unit below.
pub(crate) fn largest(
    l: &mut Lowering<'_>,
    mut candidates: Vec<RingId>,
    zero: bool,
    (frac, exact): (u32, u32),
) -> (RingId, Tree) {
    let (shape, own) = (l.shape_of(candidates[0]).to_vec(), l.frac_of(candidates[0]));
    if zero {
        candidates.push(l.constant(0, &shape, own));
    }
    let only = |(at, id)| (id, Tree::Only(at));
    let mut candidates: Vec<(RingId, Tree)> = candidates.into_iter().enumerate().map(only).collect();
    while candidates.len() > 1 {
        let count = candidates.len();
        let size = if in_pairs(l.target(), shape.iter().product(), count) {
            2
        } else {
            count.div_ceil(count.div_ceil(CANDIDATES))
        };
        let frac = if count <= size { frac } else { own };
        let mut winners = Vec::with_capacity(count.div_ceil(size));
        let mut left = candidates.into_iter();
        while left.len() > 0 {
            let (group, mut trees): (Vec<RingId>, Vec<Tree>) = left.by_ref().take(size).unzip();
            winners.push(match *group {
                [only] => (only, trees.remove(0)),
                [a, b] => {
                    let bits = compare_two(l, a, b, exact);
                    let pair = [trees.remove(0), trees.remove(0)];
                    (larger_of(l, a, b, (frac, exact)), Tree::Pair(bits, Box::new(pair)))
                }
                _ => {
                    let bits = winner(l, &group);
                    (choose(l, bits, &group, frac), Tree::Group(bits, trees))
                }
            });
        }
        candidates = winners;
    }
    let (value, tree) = candidates.remove(0);
    (l.at_frac(value, frac), tree)
}

/// Gives to the candidate that was the largest what reaches the maximum, in `given` by candidate; zero, which may be one
/// more, gets nothing. With `frac` fractional bits.
pub(crate) fn give(
    l: &mut Lowering<'_>,
    tree: &Tree,
    reached: RingId,
    frac: u32,
    given: &mut [Option<RingId>],
) {
    let shape = l.shape_of(reached).to_vec();
    let own = l.frac_of(reached);
    let zero = l.constant(0, &shape, own);
    match tree {
        Tree::Only(at) => {
            if let Some(place) = given.get_mut(*at) {
                *place = Some(l.at_frac(reached, frac));
            }
        }
        Tree::Pair(bits, pair) => {
            let [a, b] = &**pair;
            let to_a = choose(l, *bits, &[zero, reached], frac);
            give(l, a, to_a, frac, given);
            if !matches!(b, Tree::Only(at) if *at >= given.len()) {
                let to_b = match own == frac {
                    true => l.push(RingOp::Sub, &[reached, to_a], &shape, frac),
                    false => choose(l, *bits, &[reached, zero], frac),
                };
                give(l, b, to_b, frac, given);
            }
        }
        Tree::Group(bits, trees) => {
            for (at, tree) in trees.iter().enumerate() {
                if !matches!(tree, Tree::Only(at) if *at >= given.len()) {
                    let mut offered = vec![zero; trees.len()];
                    offered[at] = reached;
                    let to_it = choose(l, *bits, &offered, frac);
                    give(l, tree, to_it, frac, given);
                }
            }
        }
    }
}

/// Units of the result that [`largest`] may be below the largest value for comparing roughly.
pub(crate) const ROUGHNESS: f64 = 1.0;

/// Whether it is better to compare so many candidates, of so many elements each, in pairs.
fn in_pairs(target: &Target, elements: usize, candidates: usize) -> bool {
    let size = candidates.min(CANDIDATES);
    if size == 2 {
        return true;
    }
    let levels = size.next_power_of_two().ilog2() as usize;
    let more_rounds = (levels * target.rounds_of_pairs).saturating_sub(target.rounds_of_all);
    let fewer_comparisons = (size - 1) * (size - 2) / 2 * candidates.div_ceil(size);
    elements * fewer_comparisons * target.comparison > more_rounds * target.round
}

/// How many of so many values in a row are compared with each other in a tournament's next level: as few as the number of
/// levels allows, since a comparison of all pairs costs more bytes a value than one of two.
pub(crate) fn group_size(remaining: usize) -> usize {
    let levels = |values: usize| (0..).find(|&levels| CANDIDATES.pow(levels) >= values).unwrap_or(0);
    let fits = |size: &usize| levels(remaining.div_ceil(*size)) < levels(remaining);
    (2..CANDIDATES).find(fits).unwrap_or(CANDIDATES)
}

/// `[a < b]` and `[a >= b]`, of numbers less than 2^-exact apart maybe either; b may be a public zero.
fn compare_two(l: &mut Lowering<'_>, a: RingId, b: RingId, exact: u32) -> RingId {
    let (shape, own) = (l.shape_of(a).to_vec(), l.frac_of(a));
    let difference = l.push(RingOp::Sub, &[a, b], &shape, own);
    not_negative(l, difference, exact)
}

/// The larger of a and b, of which b may be a public zero, with `frac` fractional bits; compared as [`compare_two`] does.
pub(crate) fn larger_of(l: &mut Lowering<'_>, a: RingId, b: RingId, (frac, exact): (u32, u32)) -> RingId {
    let (shape, own) = (l.shape_of(a).to_vec(), l.frac_of(a));
    let hull = l.bounds(a).hull(l.bounds(b));
    let bits = compare_two(l, a, b, exact);
    if frac < own {
        return choose(l, bits, &[b, a], frac);
    }
    // b + (a − b) if that is not negative: one product instead of two
    let difference = l.push(RingOp::Sub, &[a, b], &shape, own);
    let zero = l.constant(0, &shape, own);
    let more = choose(l, bits, &[zero, difference], own);
    let larger = l.push(RingOp::Add, &[b, more], &shape, own);
    l.within(larger, hull);
    larger
}

/// `[x < 0]` and `[x >= 0]`, two planes; of an x that is less than 2^-exact away from 0 maybe either.
pub(crate) fn not_negative(l: &mut Lowering<'_>, x: RingId, exact: u32) -> RingId {
    let dropped = l.frac_of(x).saturating_sub(exact) / 4 * 4;
    gate::locate(l, x, &[Threshold { at: 0, dropped }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TARGET;

    #[test]
    fn pairs_are_taken_where_bytes_are_worth_the_rounds() {
        // ResNet-18's pooling, rows and then columns with zero; LeNet's for 32 images
        let pairs = |elements, candidates| in_pairs(&TARGET, elements, candidates);
        assert!(pairs(401_408, 3) && pairs(200_704, 4));
        assert!(pairs(1, 2) && !pairs(73_728, 3));
        // where rounds are worth nothing, and where pairs take no more of them
        assert!(in_pairs(&Target { round: 0, ..TARGET }, 1, 3));
        assert!(in_pairs(&Target { rounds_of_all: 9, ..TARGET }, 1, 4));
        // where comparisons cost nothing
        assert!(!in_pairs(&Target { comparison: 0, ..TARGET }, 401_408, 3));
    }

    #[test]
    fn groups_are_as_small_as_the_levels_allow() {
        for (remaining, size) in [(2, 2), (3, 3), (4, 4), (8, 2), (10, 3), (64, 4), (128, 2), (1000, 4)] {
            assert_eq!(group_size(remaining), size, "{remaining} values");
        }
        for n in 2..2000usize {
            let (mut remaining, mut levels) = (n, 0);
            while remaining > 1 {
                remaining = remaining.div_ceil(group_size(remaining));
                levels += 1;
            }
            assert!(CANDIDATES.pow(levels - 1) < n && n <= CANDIDATES.pow(levels), "{levels} levels for {n}");
        }
    }
}
