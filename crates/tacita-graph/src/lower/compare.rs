//! Comparisons, and choosing the largest of a few values.

use super::Lowering;
use super::proven::Bounds;
use crate::error::GraphError;
use crate::program::{RingId, RingOp};

/// The most values that one comparison of all pairs takes.
pub(crate) const CANDIDATES: usize = 4;

/// `[input i < input j]`.
pub(crate) fn less(l: &mut Lowering<'_>, i: usize, j: usize) -> Result<RingId, GraphError> {
    let frac = l.common_frac();
    let (a, b) = (l.ring(i, frac)?, l.ring(j, frac)?);
    let shape = l.shape();
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
    l.push_bits(RingOp::Winner { bits }, candidates, &shape, candidates.len())
}

/// The candidate that `bits` names, truncated to `frac`. All have one shape and the same fractional bits.
pub(crate) fn choose(l: &mut Lowering<'_>, bits: RingId, candidates: &[RingId], frac: u32) -> RingId {
    let shape = l.shape_of(bits).to_vec();
    let truncate = l.frac_of(candidates[0]) - frac;
    let inputs: Vec<RingId> = std::iter::once(bits).chain(candidates.iter().copied()).collect();
    let truncate = vec![truncate; candidates.len()];
    l.push(RingOp::Choose { truncate }, &inputs, &shape, frac)
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
    l.push(RingOp::Choose { truncate }, &inputs, &shape, frac)
}

/// The number that one-hot `bits` choose, as a ring value with `frac` fractional bits: `numbers` lists planes with numbers,
/// ring elements; of others it is zero. Linear in lifted bits.
pub(crate) fn constants(l: &mut Lowering<'_>, bits: RingId, numbers: &[(usize, i64)], frac: u32) -> RingId {
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
    let chosen = sum.unwrap_or_else(|| l.constant(0, &shape, frac));
    let all = numbers.iter().map(|&(_, number)| i128::from(number));
    let (least, most) = all.fold((0, 0), |(least, most), number| (number.min(least), number.max(most)));
    l.within(chosen, Bounds::new(least, most));
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
    let op = RingOp::Rescale { factors: factors.to_vec(), truncate };
    l.push(op, &[bits, factor, x], &shape, frac)
}

/// The bits of all pairs of candidates, which say which is the largest. All have one shape.
pub(crate) fn pairs(l: &mut Lowering<'_>, candidates: &[RingId]) -> RingId {
    let (shape, k) = (l.shape_of(candidates[0]).to_vec(), candidates.len());
    let bits = l.pair_bits(candidates);
    l.push_bits(RingOp::Below { bits }, candidates, &shape, k * (k - 1) / 2)
}

/// What belongs to the candidate that the bits of all pairs say is the largest, truncated to `frac`. A round less than by
/// [`winner`] and [`choose`], for more of the dealer's bytes.
pub(crate) fn choose_largest(
    l: &mut Lowering<'_>,
    pairs: RingId,
    candidates: &[RingId],
    frac: u32,
) -> RingId {
    let shape = l.shape_of(pairs).to_vec();
    let truncate = l.frac_of(candidates[0]) - frac;
    let inputs: Vec<RingId> = std::iter::once(pairs).chain(candidates.iter().copied()).collect();
    l.push(RingOp::ChooseLargest { truncate }, &inputs, &shape, frac)
}

/// The largest of two inputs or, with `negate`, the smallest.
pub(crate) fn larger(l: &mut Lowering<'_>, negate: bool) -> Result<RingId, GraphError> {
    let frac = l.common_frac();
    let shape = l.shape();
    let mut candidates = [l.ring(0, frac)?, l.ring(1, frac)?];
    for candidate in &mut candidates {
        *candidate = l.broadcast(*candidate, &shape);
    }
    let mut compared = candidates;
    if negate {
        for value in &mut compared {
            *value = l.push(RingOp::Neg, &[*value], &shape, frac);
        }
    }
    let bits = winner(l, &compared);
    let precision = l.frac();
    Ok(choose(l, bits, &candidates, precision))
}

/// The largest of any number of values and, with `zero`, of zero, truncated to the result's. A
/// tournament of at most four; several levels compare what the first has truncated.
pub(crate) fn largest(l: &mut Lowering<'_>, mut candidates: Vec<RingId>, zero: bool) -> RingId {
    let precision = l.frac();
    let room = CANDIDATES - usize::from(zero);
    while candidates.len() > room {
        let groups = candidates.len().div_ceil(CANDIDATES).max(2);
        let size = candidates.len().div_ceil(groups);
        let mut winners = Vec::with_capacity(groups);
        for group in candidates.chunks(size) {
            winners.push(match group {
                [only] => l.at_frac(*only, precision),
                _ => {
                    let bits = winner(l, group);
                    choose(l, bits, group, precision)
                }
            });
        }
        candidates = winners;
    }
    if zero {
        let shape = l.shape_of(candidates[0]).to_vec();
        let frac = l.frac_of(candidates[0]);
        candidates.push(l.constant(0, &shape, frac));
    }
    if let [only] = candidates[..] {
        return only;
    }
    let bits = winner(l, &candidates);
    choose(l, bits, &candidates, precision)
}
