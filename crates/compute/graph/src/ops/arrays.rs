//! Helpers shared by the operations' f64 results: broadcasting, windows, products.

use ndarray::{Array2, ArrayD, ArrayView2, ArrayView3, Axis as NdAxis, IxDyn, Zip};
use tacita_ring::broadcast_shapes;

use super::error_rule::Deviation;
use super::window::Axis;
use crate::types::Type;
use tacita_program::draws;

/// The shape two arrays broadcast to. Inference has checked that they do.
fn common(a: &[usize], b: &[usize]) -> Vec<usize> {
    broadcast_shapes(a, b).expect("inference checked that the shapes broadcast")
}

/// The random draws of evaluators in the clear, one word for each element.
pub(crate) fn drawn(shape: &[usize], draw: u32, element: impl Fn(u64) -> f64) -> ArrayD<f64> {
    let words = draws::words(draw, shape.iter().product());
    ArrayD::from_shape_vec(IxDyn(shape), words.into_iter().map(element).collect())
        .expect("as many words as elements")
}

/// The number of elements of a shape.
pub(crate) fn count(shape: &[usize]) -> f64 {
    shape.iter().map(|&size| size as f64).product()
}

/// The number of elements along some axes.
pub(crate) fn count_axes(ty: &Type, axes: &[usize]) -> f64 {
    axes.iter().map(|&axis| count(&[ty.shape[axis]])).product()
}

/// `a` repeated to `shape`.
pub(crate) fn expand(a: &ArrayD<f64>, shape: &[usize]) -> ArrayD<f64> {
    a.broadcast(shape).expect("inference checked that the shapes broadcast").to_owned()
}

/// `f` of each pair, with broadcasting.
pub(crate) fn zip(a: &ArrayD<f64>, b: &ArrayD<f64>, f: impl Fn(f64, f64) -> f64) -> ArrayD<f64> {
    let shape = common(a.shape(), b.shape());
    let mut result = expand(a, &shape);
    let b = b.broadcast(shape).expect("inference checked that the shapes broadcast");
    Zip::from(&mut result).and(&b).for_each(|a, &b| *a = f(*a, b));
    result
}

/// `f` of each triple, with broadcasting.
pub(crate) fn zip3(
    a: &ArrayD<f64>,
    b: &ArrayD<f64>,
    c: &ArrayD<f64>,
    f: impl Fn(f64, f64, f64) -> f64,
) -> ArrayD<f64> {
    let shape = common(a.shape(), &common(b.shape(), c.shape()));
    let mut result = expand(a, &shape);
    let b = b.broadcast(shape.clone()).expect("inference checked that the shapes broadcast");
    let c = c.broadcast(shape).expect("inference checked that the shapes broadcast");
    Zip::from(&mut result).and(&b).and(&c).for_each(|a, &b, &c| *a = f(*a, b, c));
    result
}

/// The same elements, row-major, in another shape of as many.
pub(crate) fn reshape(x: &ArrayD<f64>, shape: &[usize]) -> ArrayD<f64> {
    x.to_shape(shape).expect("inference checked the number of elements").into_owned()
}

/// Folds `f` over each of `axes`, one after another.
pub(crate) fn reduce(
    x: &ArrayD<f64>,
    axes: &[usize],
    keepdims: bool,
    start: f64,
    f: impl Fn(f64, f64) -> f64,
) -> ArrayD<f64> {
    let mut result = x.clone();
    for &axis in axes.iter().rev() {
        result = result.fold_axis(NdAxis(axis), start, |&a, &b| f(a, b));
        if keepdims {
            result.insert_axis_inplace(NdAxis(axis));
        }
    }
    result.as_standard_layout().into_owned()
}

/// x `(n, c, [h,] w)` as planes (n * c, h, w).
fn planes(x: &ArrayD<f64>) -> ArrayD<f64> {
    let shape = x.shape();
    let height = if shape.len() == 4 { shape[2] } else { 1 };
    reshape(x, &[shape[0] * shape[1], height, shape[shape.len() - 1]])
}

/// One or two window sizes as two: one-dimensional windows get height 1.
pub(crate) fn two(axes: &[Axis]) -> [Axis; 2] {
    let flat = Axis { kernel: 1, stride: 1, dilation: 1, begin: 0, end: 0, ceil: false };
    match axes {
        [width] => [flat, *width],
        [height, width, ..] => [*height, *width],
        [] => [flat, flat],
    }
}

/// Folds `f` over each window's elements of x `(n, c, [h,] w)`, without padding.
pub(crate) fn windows(
    x: &ArrayD<f64>,
    axes: &[Axis],
    start: f64,
    f: impl Fn(f64, f64) -> f64,
) -> ArrayD<f64> {
    let mut shape = x.shape().to_vec();
    for (size, axis) in shape[2..].iter_mut().zip(axes) {
        *size = axis.count(*size).expect("inference checked that a window fits");
    }
    let x = planes(x);
    let (height, width) = (x.shape()[1], x.shape()[2]);
    let [vertical, horizontal] = two(axes);
    let rows = vertical.count(height).expect("inference checked that a window fits");
    let columns = horizontal.count(width).expect("inference checked that a window fits");
    let mut result = ArrayD::from_elem(IxDyn(&[x.shape()[0], rows, columns]), start);
    let taps = |axis: Axis, index: usize, size: usize| {
        (0..axis.kernel)
            .filter_map(move |tap| (index * axis.stride + tap * axis.dilation).checked_sub(axis.begin))
            .filter(move |&at| at < size)
    };
    for (plane, mut result) in x.axis_iter(NdAxis(0)).zip(result.axis_iter_mut(NdAxis(0))) {
        for row in 0..rows {
            for y in taps(vertical, row, height) {
                for column in 0..columns {
                    for at in taps(horizontal, column, width) {
                        result[[row, column]] = f(result[[row, column]], plane[[y, at]]);
                    }
                }
            }
        }
    }
    reshape(&result, &shape)
}

/// A product of two matrices.
pub(crate) type Product = fn(ArrayView2<'_, f64>, ArrayView2<'_, f64>) -> Array2<f64>;

/// The fastest product. Its rounding depends on the machine (fused multiply-add or not).
pub(crate) fn fast_product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    a.dot(&b)
}

/// A product with identical rounding on every machine: multiplications and additions are separate and in order.
pub(crate) fn exact_product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut result = Array2::zeros((a.nrows(), b.ncols()));
    for (a, mut row) in a.rows().into_iter().zip(result.rows_mut()) {
        for (&a, b) in a.iter().zip(b.rows()) {
            row.zip_mut_with(&b, |sum, &b| *sum += a * b);
        }
    }
    result
}

/// The matrix product (..., m, k) x (..., k, n) with leading axes broadcast.
pub(crate) fn mat_mul(a: &ArrayD<f64>, b: &ArrayD<f64>, product: Product) -> ArrayD<f64> {
    let split = |x: &ArrayD<f64>| {
        let (lead, matrix) = x.shape().split_at(x.ndim() - 2);
        (lead.to_vec(), [matrix[0], matrix[1]])
    };
    let ((a_lead, [m, k]), (b_lead, [_, n])) = (split(a), split(b));
    let lead = common(&a_lead, &b_lead);
    let batch: usize = lead.iter().product();
    let spread = |x: &ArrayD<f64>, matrix: [usize; 2]| {
        let shape = [lead.as_slice(), &matrix].concat();
        let full = x.broadcast(shape).expect("inference checked that the shapes broadcast");
        full.to_shape((batch, matrix[0], matrix[1])).expect("the same elements").into_owned()
    };
    let shape = [lead.as_slice(), &[m, n]].concat();
    if a_lead.is_empty() && b_lead.is_empty() {
        let a = a.view().into_shape_with_order((m, k));
        let b = b.view().into_shape_with_order((k, n));
        if let (Ok(a), Ok(b)) = (a, b) {
            return product(a, b).into_dyn();
        }
    }
    let (a, b) = (spread(a, [m, k]), spread(b, [k, n]));
    let mut result = Vec::with_capacity(batch * m * n);
    for (a, b) in a.outer_iter().zip(b.outer_iter()) {
        result.extend(product(a, b).iter());
    }
    ArrayD::from_shape_vec(shape, result).expect("one product a matrix")
}

/// The patches of one group's channels (c, h, w) as columns: (c * kh * kw, rows * columns).
fn patches(
    x: ArrayView3<'_, f64>,
    [vertical, horizontal]: [Axis; 2],
    [rows, columns]: [usize; 2],
) -> Array2<f64> {
    let (channels, height, width) = x.dim();
    let mut result = Array2::zeros((channels * vertical.kernel * horizontal.kernel, rows * columns));
    for (index, mut out) in result.rows_mut().into_iter().enumerate() {
        let (channel, tap) =
            (index / (vertical.kernel * horizontal.kernel), index % (vertical.kernel * horizontal.kernel));
        let (tap_y, tap_x) = (tap / horizontal.kernel, tap % horizontal.kernel);
        for row in 0..rows {
            let y = (row * vertical.stride + tap_y * vertical.dilation).checked_sub(vertical.begin);
            let Some(y) = y.filter(|&y| y < height) else { continue };
            for column in 0..columns {
                let at =
                    (column * horizontal.stride + tap_x * horizontal.dilation).checked_sub(horizontal.begin);
                if let Some(at) = at.filter(|&at| at < width) {
                    out[row * columns + column] = x[[channel, y, at]];
                }
            }
        }
    }
    result
}

/// The convolution of x `(n, c, [h,] w)` with w `(o, c/groups, [kh,] kw)`.
pub(crate) fn conv(
    x: &ArrayD<f64>,
    w: &ArrayD<f64>,
    axes: &[Axis],
    groups: usize,
    product: Product,
) -> ArrayD<f64> {
    let (batch, outputs) = (x.shape()[0], w.shape()[0]);
    let mut shape = vec![batch, outputs];
    shape.extend(
        x.shape()[2..]
            .iter()
            .zip(axes)
            .map(|(&size, axis)| axis.count(size).expect("inference checked that a window fits")),
    );
    let axes = two(axes);
    let x = planes(x);
    let (height, width) = (x.shape()[1], x.shape()[2]);
    let counts = [axes[0].count(height), axes[1].count(width)]
        .map(|count| count.expect("inference checked that a window fits"));
    let channels = x.shape()[0] / batch / groups;
    let x = x.into_shape_with_order((batch, groups, channels, height, width)).expect("the same elements");
    let w = w.to_shape((groups, outputs / groups, w.len() / outputs)).expect("groups divide the outputs");
    let mut result = Vec::with_capacity(shape.iter().product());
    for sample in x.outer_iter() {
        for (x, w) in sample.outer_iter().zip(w.outer_iter()) {
            result.extend(product(w, patches(x, axes, counts).view()).iter());
        }
    }
    ArrayD::from_shape_vec(shape, result).expect("one product a group")
}

/// The error of a bilinear product: |a| eb + ea |b| + ea eb, and one unit for the truncation.
pub(crate) fn product_error(
    d: &Deviation<'_>,
    product: impl Fn(&ArrayD<f64>, &ArrayD<f64>) -> ArrayD<f64>,
) -> ArrayD<f64> {
    let (a, b) = (d.values[0].mapv(f64::abs), d.values[1].mapv(f64::abs));
    let first = product(&a, d.errors[1]);
    let second = product(d.errors[0], &(b + d.errors[1]));
    first + second + d.unit
}

/// The error of a comparison: 1 where the inputs' errors could change it, else 0.
pub(crate) fn turned(d: &Deviation<'_>) -> ArrayD<f64> {
    let apart = zip(d.values[0], d.values[1], |a, b| (a - b).abs());
    zip3(
        &apart,
        d.errors[0],
        d.errors[1],
        |apart, ea, eb| {
            if ea + eb > 0.0 && apart <= ea + eb { 1.0 } else { 0.0 }
        },
    )
}

/// The error of a step function: the larger deviation at the two ends of the input's error interval.
pub(crate) fn stepped(d: &Deviation<'_>, f: impl Fn(f64) -> f64) -> ArrayD<f64> {
    zip3(d.values[0], d.errors[0], d.result, |x, error, y| {
        (f(x + error) - y).abs().max((f(x - error) - y).abs())
    })
}

/// The index of the best element along an axis; the lowest index of equal ones.
pub(crate) fn first_best(
    x: &ArrayD<f64>,
    axis: usize,
    keepdims: bool,
    better: impl Fn(f64, f64) -> bool,
) -> ArrayD<f64> {
    let lanes = x.map_axis(NdAxis(axis), |lane| {
        let best = (1..lane.len()).fold(0, |best, at| if better(lane[at], lane[best]) { at } else { best });
        best as f64
    });
    if keepdims { lanes.insert_axis(NdAxis(axis)) } else { lanes }
}

/// The error of the best element's index: 0 where the errors cannot change it, else the axis' size.
pub(crate) fn overtaken(d: &Deviation<'_>, axis: usize) -> ArrayD<f64> {
    let axis = NdAxis(axis);
    let size = d.values[0].len_of(axis) as f64;
    let mut bounds = d.result.clone();
    let lanes = d.values[0].lanes(axis).into_iter().zip(d.errors[0].lanes(axis));
    for (bound, (values, errors)) in bounds.iter_mut().zip(lanes) {
        let best = *bound as usize;
        let beaten = values.iter().zip(errors).enumerate().all(|(index, (value, error))| {
            index == best
                || *error == 0.0 && errors[best] == 0.0
                || (values[best] - value).abs() > error + errors[best]
        });
        *bound = if beaten { 0.0 } else { size };
    }
    bounds
}

/// `f` of each value along an axis and of its index, in sorted order; of equal values the lower index comes first.
pub(crate) fn in_order(
    x: &ArrayD<f64>,
    axis: usize,
    descending: bool,
    f: impl Fn(f64, usize) -> f64,
) -> ArrayD<f64> {
    let mut result = x.clone();
    let lanes = x.lanes(NdAxis(axis)).into_iter().zip(result.lanes_mut(NdAxis(axis)));
    for (lane, mut out) in lanes {
        let mut order: Vec<usize> = (0..lane.len()).collect();
        // -0 + 0 is 0: both zeros are equal
        let compare = |i: &usize, j: &usize| (lane[*i] + 0.0).total_cmp(&(lane[*j] + 0.0));
        order.sort_by(|i, j| if descending { compare(j, i) } else { compare(i, j) });
        for (out, &index) in out.iter_mut().zip(&order) {
            *out = f(lane[index], index);
        }
    }
    result
}

/// The largest error along an axis, for each of its elements.
pub(crate) fn furthest(errors: &ArrayD<f64>, axis: usize) -> ArrayD<f64> {
    expand(&reduce(errors, &[axis], true, 0.0, f64::max), errors.shape())
}

/// The error of sorted indices: 0 where the errors cannot exchange two values along the axis, else the axis' size.
/// Sorting truncates its input first, by less than one unit; an input without error is a multiple of the unit and stays
/// exact.
pub(crate) fn displaced(d: &Deviation<'_>, axis: usize) -> ArrayD<f64> {
    let mut bounds = d.result.clone();
    let (values, errors) = (d.values[0].lanes(NdAxis(axis)), d.errors[0].lanes(NdAxis(axis)));
    let lanes = values.into_iter().zip(errors).zip(bounds.lanes_mut(NdAxis(axis)));
    for ((values, errors), mut out) in lanes {
        let apart = |i: usize, j: usize| {
            let error = errors[i] + errors[j];
            error == 0.0 || (values[i] - values[j]).abs() > error + 2.0 * d.unit
        };
        let certain = (0..values.len()).all(|i| (0..i).all(|j| apart(i, j)));
        out.fill(if certain { 0.0 } else { values.len() as f64 });
    }
    bounds
}
