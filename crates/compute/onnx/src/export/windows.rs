//! Convolutions and pools: what slides a window.
//!
//! Runtimes differ in what a last window beyond the padding counts, and refuse padding as long as the window. So the padding
//! at the end is exactly what the windows reach, and where that is not enough it is an operation of its own.

use tacita_graph::Type;
use tacita_graph::ops::{AveragePool, Conv, MaxPool};

use super::writer::{Writer, int, ints};

/// x with numbers before and after, zeros if none is given.
pub(super) fn pad(
    w: &mut Writer<'_>,
    x: &str,
    before: &[usize],
    after: &[usize],
    value: Option<f32>,
) -> String {
    let amounts: Vec<i64> = before.iter().chain(after).map(|&n| n as i64).collect();
    let pads = w.list(&amounts);
    match value {
        Some(value) => {
            let value = w.floats(&[], &[value]);
            w.op("Pad", &[x, &pads, &value], vec![])
        }
        None => w.op("Pad", &[x, &pads], vec![]),
    }
}

/// Padding of the two first axes, batch and channels, which have none, and of these.
fn all_axes(spatial: &[usize]) -> Vec<usize> {
    [&[0, 0], spatial].concat()
}

/// How far the windows reach beyond x and what is before it, for each spatial axis.
fn ends(
    x: &Type,
    y: &Type,
    kernel: &[usize],
    stride: &[usize],
    dilation: &[usize],
    begin: &[usize],
) -> Vec<usize> {
    let size = |ty: &Type, axis: usize| ty.shape[axis + 2];
    let end = |axis: usize| {
        let extent = (kernel[axis] - 1) * dilation[axis] + 1;
        let reach = (size(y, axis) - 1) * stride[axis] + extent;
        reach.saturating_sub(size(x, axis) + begin[axis])
    };
    (0..kernel.len()).map(end).collect()
}

pub(super) fn conv(w: &mut Writer<'_>, op: &Conv, x: &[&str], ty: &Type, kernel: &Type, y: &Type) -> String {
    let kernel = &kernel.shape[2..];
    let end = ends(ty, y, kernel, &op.stride, &op.dilation, &op.pads_begin);
    let attributes = vec![
        ints("kernel_shape", kernel),
        ints("strides", &op.stride),
        ints("pads", &[&op.pads_begin[..], &end].concat()),
        ints("dilations", &op.dilation),
        int("group", op.groups as i64),
    ];
    w.op("Conv", x, attributes)
}

pub(super) fn max_pool(w: &mut Writer<'_>, op: &MaxPool, x: &str, ty: &Type, y: &Type) -> String {
    let (kernel, mut begin) = (&op.kernel, op.pads_begin.clone());
    let mut end = ends(ty, y, kernel, &op.stride, &op.dilation, &begin);
    let mut padded = x.to_string();
    if begin.iter().chain(&end).zip(kernel.iter().chain(kernel)).any(|(pad, kernel)| pad >= kernel) {
        padded = pad(w, x, &all_axes(&begin), &all_axes(&end), Some(f32::MIN));
        (begin, end) = (vec![0; kernel.len()], vec![0; kernel.len()]);
    }
    let attributes = vec![
        ints("kernel_shape", kernel),
        ints("strides", &op.stride),
        ints("pads", &[begin, end].concat()),
        ints("dilations", &op.dilation),
    ];
    w.op("MaxPool", &[&padded], attributes)
}

/// Padding counts as zeros or not at all; what lies beyond the padding never counts.
pub(super) fn average_pool(w: &mut Writer<'_>, op: &AveragePool, x: &str, ty: &Type, y: &Type) -> String {
    let mut begin = op.pads_begin.clone();
    let mut end = ends(ty, y, &op.kernel, &op.stride, &vec![1; op.kernel.len()], &begin);
    let (mut padded, mut counts) = (x.to_string(), op.count_include_pad);
    if counts && end.iter().zip(&op.pads_end).any(|(reached, declared)| reached > declared) {
        let zeros: Vec<usize> = end.iter().zip(&op.pads_end).map(|(&a, &b)| a.min(b)).collect();
        padded = pad(w, x, &all_axes(&begin), &all_axes(&zeros), None);
        end.iter_mut().zip(&zeros).for_each(|(end, zeros)| *end -= zeros);
        (begin, counts) = (vec![0; end.len()], false);
    }
    let attributes = vec![
        ints("kernel_shape", &op.kernel),
        ints("strides", &op.stride),
        ints("pads", &[begin, end].concat()),
        int("count_include_pad", counts.into()),
    ];
    w.op("AveragePool", &[&padded], attributes)
}
