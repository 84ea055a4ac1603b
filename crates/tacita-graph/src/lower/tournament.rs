//! The maximum and its index along an axis, by a tournament in which groups of at most four compare all pairs.

use super::{Lowering, compare};
use crate::error::GraphError;
use crate::program::{RingId, RingOp};

/// What a tournament is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prize {
    /// The largest value, truncated to the result's fractional bits by the first level.
    Value,
    /// The index of the largest value, the lowest where several are equal. Values keep all their bits, so that
    /// equal ones stay equal.
    Index,
}

/// The `size` slices along `axis` that hold element 0, 1, ... of each group, after padding the axis with `value`: of values that are equal the first counts.
fn members(
    l: &mut Lowering<'_>,
    x: RingId,
    axis: usize,
    [groups, size]: [usize; 2],
    value: i64,
) -> Vec<RingId> {
    let mut x = x;
    let mut shape = l.shape_of(x).to_vec();
    let frac = l.frac_of(x);
    let missing = groups * size - shape[axis];
    if missing > 0 {
        let before = vec![0; shape.len()];
        let mut after = before.clone();
        after[axis] = missing;
        shape[axis] += missing;
        x = l.push(RingOp::Pad { before, after, value }, &[x], &shape, frac);
    }
    let mut part = shape.clone();
    part[axis] = groups;
    (0..size)
        .map(|member| {
            let (mut starts, ends, mut steps) = (vec![0; shape.len()], shape.clone(), vec![1; shape.len()]);
            starts[axis] = member;
            steps[axis] = size;
            l.push(RingOp::Slice { starts, ends, steps }, &[x], &part, frac)
        })
        .collect()
}

/// The public indices of each group's members: element `member` of group g has index g * size + member.
fn first_indices(l: &mut Lowering<'_>, shape: &[usize], axis: usize, size: usize) -> Vec<RingId> {
    let groups = shape[axis];
    let mut line = vec![1; shape.len()];
    line[axis] = groups;
    (0..size)
        .map(|member| {
            if groups == 1 {
                return l.constant(member as i64, shape, 0);
            }
            let values = (0..groups).map(|group| (group * size + member) as i64).collect();
            let indices = l.push(RingOp::ConstantTensor { values }, &[], &line, 0);
            l.broadcast(indices, shape)
        })
        .collect()
}

/// The largest value of input 0 along `axis` or, with `smallest`, the smallest, or its index, in the node's shape.
pub(crate) fn tournament(
    l: &mut Lowering<'_>,
    axis: usize,
    prize: Prize,
    smallest: bool,
) -> Result<RingId, GraphError> {
    let frac = l.common_frac();
    let mut values = l.ring(0, frac)?;
    if smallest {
        let shape = l.shape_of(values).to_vec();
        values = l.push(RingOp::Neg, &[values], &shape, frac);
    }
    let mut indices = None;
    loop {
        let remaining = l.shape_of(values)[axis];
        if remaining == 1 {
            break;
        }
        let groups = remaining.div_ceil(compare::CANDIDATES);
        let size = remaining.div_ceil(groups);
        let lowest = l.lowest(values);
        let candidates = members(l, values, axis, [groups, size], lowest);
        let (bits, choose) = level(l, &candidates, groups == 1);
        if prize == Prize::Index {
            let shape = l.shape_of(candidates[0]).to_vec();
            let carried = match indices {
                None => first_indices(l, &shape, axis, size),
                Some(indices) => members(l, indices, axis, [groups, size], 0),
            };
            indices = Some(choose(l, bits, &carried, 0));
        }
        if prize == Prize::Index && groups == 1 {
            break;
        }
        let frac = if prize == Prize::Value { l.frac() } else { frac };
        values = choose(l, bits, &candidates, frac);
    }
    let shape = l.shape();
    let result = match (prize, indices) {
        (Prize::Value, _) if smallest => {
            let (shape, frac) = (l.shape_of(values).to_vec(), l.frac_of(values));
            l.push(RingOp::Neg, &[values], &shape, frac)
        }
        (Prize::Value, _) => values,
        (Prize::Index, Some(indices)) => indices,
        (Prize::Index, None) => l.zero_like(values),
    };
    Ok(l.reshape(result, &shape))
}

/// The largest value along `axis` of a value at the session's precision, exactly; the axis stays, with size 1.
pub(crate) fn largest_along(l: &mut Lowering<'_>, mut values: RingId, axis: usize) -> RingId {
    let precision = l.precision();
    loop {
        let remaining = l.shape_of(values)[axis];
        if remaining == 1 {
            return values;
        }
        let size = compare::group_size(remaining);
        let lowest = l.lowest(values);
        let candidates = members(l, values, axis, [remaining.div_ceil(size), size], lowest);
        values = match *candidates {
            [a, b] => compare::larger_of(l, a, b, (precision, precision + 4)),
            _ => {
                let bits = compare::pairs(l, &candidates);
                compare::choose_largest(l, bits, &candidates, precision)
            }
        };
    }
}

/// Chooses what belongs to the largest candidate, from what was found of them.
type Choose = fn(&mut Lowering<'_>, RingId, &[RingId], u32) -> RingId;

/// Which candidate is the largest: in the last level by a one-hot position, which costs least; in those before in four rounds
/// each.
fn level(l: &mut Lowering<'_>, candidates: &[RingId], is_last: bool) -> (RingId, Choose) {
    if is_last {
        (compare::winner(l, candidates), compare::choose)
    } else {
        (compare::pairs(l, candidates), compare::choose_largest)
    }
}
