//! The maximum and its index along an axis, by a tournament in which groups of at most four compare all pairs.

use super::{Lowering, compare};
use crate::error::GraphError;
use tacita_program::{RingId, RingOp};

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

/// What one level of a tournament found.
struct Level {
    /// How many values took part along the axis, in so many groups of so many each.
    remaining: usize,
    groups: usize,
    size: usize,
    bits: RingId,
    choose: Choose,
}

/// The largest value along axis 2 of x (outer, 1, n, inner), truncated to `frac` by the first level, and what each level
/// found.
fn down(l: &mut Lowering<'_>, mut x: RingId, frac: u32) -> (RingId, Vec<Level>) {
    let mut levels = Vec::new();
    loop {
        let remaining = l.shape_of(x)[2];
        if remaining == 1 {
            return (x, levels);
        }
        let groups = remaining.div_ceil(compare::CANDIDATES);
        let size = remaining.div_ceil(groups);
        let lowest = l.lowest(x);
        let candidates = members(l, x, 2, [groups, size], lowest);
        let (bits, choose) = level(l, &candidates, groups == 1);
        x = choose(l, bits, &candidates, frac);
        levels.push(Level { remaining, groups, size, bits, choose });
    }
}

/// The largest value of input 0 along `axis` or, with `smallest`, the smallest, in the node's shape.
pub(crate) fn extreme(l: &mut Lowering<'_>, axis: usize, smallest: bool) -> Result<RingId, GraphError> {
    let x = l.ring(0, l.common_frac())?;
    let shape = l.shape_of(x).to_vec();
    let (outer, inner) = (shape[..axis].iter().product(), shape[axis + 1..].iter().product());
    let mut x = l.reshape(x, &[outer, 1, shape[axis], inner]);
    let opposite = |l: &mut Lowering<'_>, x| {
        let (shape, frac) = (l.shape_of(x).to_vec(), l.frac_of(x));
        l.push(RingOp::Neg, &[x], &shape, frac)
    };
    if smallest {
        x = opposite(l, x);
    }
    let (mut found, _) = down(l, x, l.frac());
    if smallest {
        found = opposite(l, found);
    }
    let shape = l.shape();
    Ok(l.reshape(found, &shape))
}

/// What reaches x (outer, 1, n, inner) of `reached` (outer, 1, 1, inner), which reaches the largest value along axis 2 as
/// [`extreme`] finds it, truncated to `rights` fractional bits. With `frac` fractional bits.
pub(crate) fn extreme_gradient(
    l: &mut Lowering<'_>,
    x: RingId,
    rights: u32,
    mut reached: RingId,
    frac: u32,
) -> RingId {
    let (outer, inner) = (l.shape_of(x)[0], l.shape_of(x)[3]);
    let (_, levels) = down(l, x, rights);
    for Level { remaining, groups, size, bits, choose } in levels.into_iter().rev() {
        let shape = l.shape_of(reached).to_vec();
        let zero = l.constant(0, &shape, l.frac_of(reached));
        let each: Vec<RingId> = (0..size)
            .map(|member| {
                let mut offered = vec![zero; size];
                offered[member] = reached;
                let given = choose(l, bits, &offered, frac);
                l.reshape(given, &[outer, groups, 1, inner])
            })
            .collect();
        let all = l.push(RingOp::Concat { axis: 2 }, &each, &[outer, groups, size, inner], frac);
        reached = l.reshape(all, &[outer, 1, groups * size, inner]);
        if groups * size > remaining {
            let ends = vec![outer, 1, remaining, inner];
            let op = RingOp::Slice { starts: vec![0; 4], ends: ends.clone(), steps: vec![1; 4] };
            reached = l.push(op, &[reached], &ends, frac);
        }
    }
    l.at_frac(reached, frac)
}

/// The index of the largest value of input 0 along `axis` or, with `smallest`, of the smallest, in the node's shape; the
/// lowest where several are equal. Values keep all their bits, so that equal ones stay equal.
pub(crate) fn place(l: &mut Lowering<'_>, axis: usize, smallest: bool) -> Result<RingId, GraphError> {
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
        let shape = l.shape_of(candidates[0]).to_vec();
        let carried = match indices {
            None => first_indices(l, &shape, axis, size),
            Some(indices) => members(l, indices, axis, [groups, size], 0),
        };
        indices = Some(choose(l, bits, &carried, 0));
        if groups == 1 {
            break;
        }
        values = choose(l, bits, &candidates, frac);
    }
    let shape = l.shape();
    let result = match indices {
        Some(indices) => indices,
        None => l.zero_like(values),
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
