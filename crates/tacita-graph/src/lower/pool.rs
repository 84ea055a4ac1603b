//! Pooling: maxima as tournaments over strided slices, means as sums and a scale.

use tacita_ring::Window2d;

use super::scale::{scale, scale_each};
use super::{Lowering, compare};
use crate::error::GraphError;
use crate::ops::arrays::two;
use crate::ops::window::Axis;
use crate::program::{RingId, RingOp};

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

/// The maximum over windows of input 0 and, with `relu`, of zero.
pub(crate) fn max_pool(l: &mut Lowering<'_>, axes: &[Axis], relu: bool) -> Result<RingId, GraphError> {
    let mut x = four_axes(l, l.common_frac())?;
    let [vertical, horizontal] = two(axes);
    let shape = l.shape_of(x).to_vec();
    let before = vec![0, 0, vertical.begin, horizontal.begin];
    let after = vec![0, 0, vertical.end_needed(shape[2]), horizontal.end_needed(shape[3])];
    if before.iter().chain(&after).any(|&pad| pad > 0) {
        let padded: Vec<usize> = (0..4).map(|axis| shape[axis] + before[axis] + after[axis]).collect();
        // Zero is a candidate of a fused ReLU anyway; else the padding loses against every value or equals it, and
        // differences to it stay in (-2^63, 2^63).
        let value = if relu { 0 } else { l.lowest(x) };
        let frac = l.frac_of(x);
        x = l.push(RingOp::Pad { before, after, value }, &[x], &padded, frac);
    }
    let together = vertical.kernel * horizontal.kernel + usize::from(relu) <= compare::CANDIDATES;
    let both = vertical.kernel > 1 && horizontal.kernel > 1;
    if both && !together {
        let rows = taps(l, x, [None, Some(horizontal)]);
        let frac = l.frac_of(x);
        let x = compare::largest(l, rows, false, frac);
        let columns = taps(l, x, [Some(vertical), None]);
        finish(l, columns, relu)
    } else {
        let all = taps(l, x, [Some(vertical), Some(horizontal)]);
        finish(l, all, relu)
    }
}

fn finish(l: &mut Lowering<'_>, candidates: Vec<RingId>, relu: bool) -> Result<RingId, GraphError> {
    let result = compare::largest(l, candidates, relu, l.frac());
    let shape = l.shape();
    Ok(l.reshape(result, &shape))
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
