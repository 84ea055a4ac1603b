//! Pooling: maxima as tournaments over strided slices, means as sums and a scale.

use tacita_program::{RingId, RingOp};
use tacita_ring::Window2d;

use super::scale::{scale, scale_each};
use super::tournament::extreme_gradient;
use super::{LOWEST, Lowering, compare};
use crate::error::GraphError;
use crate::ops::Gather;
use crate::ops::arrays::two;
use crate::ops::window::Axis;

/// Input 0 `(n, c, [h,] w)` as (n, c, h, w), with so many fractional bits.
fn four_axes(l: &mut Lowering<'_>, frac: u32) -> Result<RingId, GraphError> {
    let x = l.ring(0, frac)?;
    let shape = l.shape_of(x).to_vec();
    let height = if shape.len() == 4 { shape[2] } else { 1 };
    Ok(l.reshape(x, &[shape[0], shape[1], height, shape[shape.len() - 1]]))
}

/// The slices of x (n, c, h, w), one a tap, along axis 2 (`height`) and 3 where they are given.
fn taps(l: &mut Lowering<'_>, x: RingId, windows: [Option<Axis>; 2]) -> Vec<RingId> {
    let whole = Axis { kernel: 1, stride: 1, dilation: 1, begin: 0, end: 0, ceil: false };
    let shape = l.shape_of(x).to_vec();
    let [vertical, horizontal] = windows.map(|window| window.unwrap_or(whole));
    let counts = [(vertical, shape[2]), (horizontal, shape[3])]
        .map(|(window, size)| (size - window.extent()) / window.stride + 1);
    let frac = l.frac_of(x);
    let mut slices = Vec::with_capacity(vertical.kernel * horizontal.kernel);
    for y in 0..vertical.kernel {
        for z in 0..horizontal.kernel {
            let starts = vec![0, 0, y * vertical.dilation, z * horizontal.dilation];
            let ends = vec![
                shape[0],
                shape[1],
                starts[2] + (counts[0] - 1) * vertical.stride + 1,
                starts[3] + (counts[1] - 1) * horizontal.stride + 1,
            ];
            let steps = vec![1, 1, vertical.stride, horizontal.stride];
            let op = RingOp::Slice { starts, ends, steps };
            slices.push(l.push(op, &[x], &[shape[0], shape[1], counts[0], counts[1]], frac));
        }
    }
    slices
}

/// The values among which a maximum over windows of input 0 is found, and how.
struct Maxima {
    /// Input 0 (n, c, h, w) with its padding.
    padded: Vec<usize>,
    /// Along a window's rows before its columns, if not all at once: the windows, and what was found.
    rows: Option<(Axis, compare::Tree)>,
    /// The windows of the last step, and what was found.
    windows: [Option<Axis>; 2],
    tree: compare::Tree,
    /// The maximum over windows and, with `relu`, zero.
    value: RingId,
}

/// The maxima over windows of input 0 and, with `relu`, of zero, with `frac` fractional bits.
fn maxima(l: &mut Lowering<'_>, axes: &[Axis], relu: bool, frac: u32) -> Result<Maxima, GraphError> {
    let (own, exact) = (l.own_frac(0), frac.saturating_add(4));
    let mut x = four_axes(l, own)?;
    let [vertical, horizontal] = two(axes);
    let shape = l.shape_of(x).to_vec();
    let before = vec![0, 0, vertical.begin, horizontal.begin];
    let after = vec![0, 0, vertical.end_needed(shape[2]), horizontal.end_needed(shape[3])];
    let padded: Vec<usize> = (0..4).map(|axis| shape[axis] + before[axis] + after[axis]).collect();
    if padded != shape {
        // Zero is a candidate of a fused ReLU anyway; else the padding loses against every value, by a unit of the result, so
        // that also a rough comparison says so and no gradient goes there. Differences to it stay in (-2^63, 2^63).
        let unit = 1 << own.saturating_sub(frac);
        let value = if relu { 0 } else { l.lowest(x).saturating_sub(unit).max(LOWEST) };
        x = l.push(RingOp::Pad { before, after, value }, &[x], &padded, own);
    }
    let together = vertical.kernel * horizontal.kernel + usize::from(relu) <= compare::CANDIDATES;
    let both = vertical.kernel > 1 && horizontal.kernel > 1;
    let (rows, windows) = if both && !together {
        let taps = taps(l, x, [None, Some(horizontal)]);
        let (found, tree) = compare::largest(l, taps, false, (own, exact));
        x = found;
        (Some((horizontal, tree)), [Some(vertical), None])
    } else {
        (None, [Some(vertical), Some(horizontal)])
    };
    let taps = taps(l, x, windows);
    let (value, tree) = compare::largest(l, taps, relu, (frac, exact));
    Ok(Maxima { padded, rows, windows, tree, value })
}

/// The maximum over windows of input 0 and, with `relu`, of zero.
pub(crate) fn max_pool(l: &mut Lowering<'_>, axes: &[Axis], relu: bool) -> Result<RingId, GraphError> {
    let maxima = maxima(l, axes, relu, l.frac())?;
    let shape = l.shape();
    Ok(l.reshape(maxima.value, &shape))
}

/// What reaches input 0 of input 1, which reaches the maxima of [`max_pool`] over windows of input 0. It takes the bits that
/// found the maxima.
pub(crate) fn max_pool_gradient(
    l: &mut Lowering<'_>,
    axes: &[Axis],
    relu: bool,
) -> Result<RingId, GraphError> {
    let (frac, own) = (l.precision(), l.own_frac(1).max(l.precision()));
    let x = l.input_shape(0);
    let [vertical, horizontal] = two(axes);
    let whole = (vertical.kernel, horizontal.kernel) == (x[x.len() - 2], 1) && x[1] == 1 && x.len() == 4;
    let padding = [vertical, horizontal].iter().any(|axis| (axis.begin, axis.end) != (0, 0));
    if whole && !padding && !relu && horizontal.stride == 1 && x[2] > 1 {
        // of maxima along an axis
        let value = l.ring(0, l.own_frac(0))?;
        let reached = l.ring(1, own)?;
        return Ok(extreme_gradient(l, value, l.input_frac(0), reached, frac));
    }
    let Maxima { padded, rows, windows, tree, value } = maxima(l, axes, relu, l.input_frac(0))?;
    let reached = l.ring(1, own)?;
    let shape = l.shape_of(value).to_vec();
    let mut reached = l.reshape(reached, &shape);
    if let Some((along, row_tree)) = rows {
        let columns = (padded[3] - along.extent()) / along.stride + 1;
        let onto = [padded[0], padded[1], padded[2], columns];
        reached = scattered(l, &tree, reached, windows, &onto, frac);
        reached = scattered(l, &row_tree, reached, [None, Some(along)], &padded, frac);
    } else {
        reached = scattered(l, &tree, reached, windows, &padded, frac);
    }
    let height = if x.len() == 4 { x[2] } else { 1 };
    let inner = vec![x[0], x[1], height, x[x.len() - 1]];
    if inner != padded {
        let starts = vec![0, 0, vertical.begin, horizontal.begin];
        let ends = (0..4).map(|axis| starts[axis] + inner[axis]).collect();
        let op = RingOp::Slice { starts, ends, steps: vec![1; 4] };
        reached = l.push(op, &[reached], &inner, frac);
    }
    if l.is_clear(reached) {
        // windows of one element compare nothing, and the result is as secret as x all the same
        let of_x = four_axes(l, l.own_frac(0))?;
        let zero = l.push(RingOp::Scale { factor: 0 }, &[of_x], &inner, frac);
        reached = l.push(RingOp::Add, &[reached, zero], &inner, frac);
    }
    Ok(l.reshape(reached, &x))
}

/// What reaches each element of a value of shape `onto`, of what reaches the maxima over windows of it.
fn scattered(
    l: &mut Lowering<'_>,
    tree: &compare::Tree,
    reached: RingId,
    windows: [Option<Axis>; 2],
    onto: &[usize],
    frac: u32,
) -> RingId {
    let whole = Axis { kernel: 1, stride: 1, dilation: 1, begin: 0, end: 0, ceil: false };
    let [vertical, horizontal] = windows.map(|window| window.unwrap_or(whole));
    let mut given = vec![None; vertical.kernel * horizontal.kernel];
    compare::give(l, tree, reached, frac, &mut given);
    let given: Vec<RingId> = given.into_iter().flatten().collect();
    let [n, c, rows, columns] = l.shape_of(given[0])[..] else { unreachable!("four axes") };
    let tiles = |axis: Axis| axis.stride == axis.kernel && (axis.dilation == 1 || axis.kernel == 1);
    if tiles(vertical) && tiles(horizontal) {
        // side by side: each element is in one window at most
        let (kh, kw) = (vertical.kernel, horizontal.kernel);
        let each: Vec<RingId> = given.iter().map(|&id| l.reshape(id, &[n, c, 1, rows, columns])).collect();
        let all = l.push(RingOp::Concat { axis: 2 }, &each, &[n, c, kh * kw, rows, columns], frac);
        let split = l.reshape(all, &[n, c, kh, kw, rows, columns]);
        let woven = l.transposed(split, &[0, 1, 4, 2, 5, 3]);
        let (height, width) = (rows * kh, columns * kw);
        let whole = l.reshape(woven, &[n, c, height, width]);
        if [height, width] == onto[2..] {
            return whole;
        }
        let after = vec![0, 0, onto[2] - height, onto[3] - width];
        return l.push(RingOp::Pad { before: vec![0; 4], after, value: 0 }, &[whole], onto, frac);
    }
    let mut sum = None;
    for (tap, part) in given.into_iter().enumerate() {
        let mut part = part;
        let mut shape = l.shape_of(part).to_vec();
        for (axis, window, tap) in
            [(2, vertical, tap / horizontal.kernel), (3, horizontal, tap % horizontal.kernel)]
        {
            let place = |at: usize| {
                let from = at.checked_sub(tap * window.dilation)?;
                (from.is_multiple_of(window.stride) && from / window.stride < shape[axis])
                    .then(|| from / window.stride)
            };
            let indices =
                (0..onto[axis]).map(|at| place(at).map_or(Gather::ZERO, |from| from as u32)).collect();
            shape[axis] = onto[axis];
            part = l.push(RingOp::Gather { axis, indices }, &[part], &shape, frac);
        }
        sum = Some(match sum {
            None => part,
            Some(sum) => l.push(RingOp::Add, &[sum, part], onto, frac),
        });
    }
    sum.expect("a window has a tap")
}

/// The mean over windows of input 0; `counts` are the divisors along each axis, an output each.
pub(crate) fn average_pool(
    l: &mut Lowering<'_>,
    axes: &[Axis],
    counts: &[Vec<usize>],
) -> Result<RingId, GraphError> {
    let x = four_axes(l, l.working_frac())?;
    let [vertical, horizontal] = two(axes);
    let shape = l.shape_of(x).to_vec();
    let window = Window2d {
        kernel: [vertical.kernel, horizontal.kernel],
        stride: [vertical.stride, horizontal.stride],
        dilation: [1, 1],
        pads: [
            vertical.begin,
            horizontal.begin,
            vertical.end_needed(shape[2]),
            horizontal.end_needed(shape[3]),
        ],
    };
    let (rows, columns): (&[usize], &[usize]) = match counts {
        [columns] => (&[1], columns),
        [rows, columns, ..] => (rows, columns),
        [] => (&[1], &[1]),
    };
    let frac = l.frac_of(x);
    let pooled = [shape[0], shape[1], rows.len(), columns.len()];
    let sums = l.push(RingOp::SumPool { window }, &[x], &pooled, frac);
    let divisors: Vec<usize> =
        rows.iter().flat_map(|row| columns.iter().map(move |column| row * column)).collect();
    let means = if divisors.iter().all(|&divisor| divisor == divisors[0]) {
        scale(l, sums, 1.0 / divisors[0] as f64)?
    } else {
        let numbers: Vec<f64> = divisors.iter().map(|&divisor| 1.0 / divisor as f64).collect();
        scale_each(l, sums, &numbers, &[1, 1, rows.len(), columns.len()])
    };
    let shape = l.shape();
    Ok(l.reshape(means, &shape))
}
