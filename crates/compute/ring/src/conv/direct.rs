//! Convolution with few filters in a group, above all depthwise: eight neighbouring outputs at a time, from a padded
//! copy of the group's input in which they are adjacent for any stride.

use crate::parallel;
use crate::product::Sign;
use crate::simd::{Level, dispatch_at};
use crate::tensor::RingTensor;
use crate::window::{ConvSpec, Window2d};

/// The number of outputs summed at a time.
const LANES: usize = 8;

/// `out ± x∘w` for nonempty operands of matching shapes; `o`, `oh` and `ow` are the output's.
pub(super) fn convolve(
    level: Level,
    out: &mut [u64],
    x: &RingTensor,
    w: &RingTensor,
    spec: &ConvSpec,
    [o, oh, ow]: [usize; 3],
    sign: Sign,
) {
    let &[_, c, h, width] = x.shape().as_array().expect("four axes");
    let channels = c / spec.groups;
    let filter_size = w.len() / o;
    let work = out.len() * filter_size;
    parallel::for_each_part(out, oh * ow, work, |i, out| {
        let (image, filter) = (i / o, i % o);
        let group = filter / (o / spec.groups);
        let x = &x.data()[(image * c + group * channels) * h * width..][..channels * h * width];
        let w = &w.data()[filter * filter_size..][..filter_size];
        dispatch_at(
            level,
            #[inline(always)]
            || plane(out, x, w, [h, width], [oh, ow], &spec.window, sign),
        );
    });
}

/// Computes one output channel.
#[inline(always)]
fn plane(
    out: &mut [u64],
    x: &[u64],
    w: &[u64],
    input: [usize; 2],
    [oh, ow]: [usize; 2],
    window: &Window2d,
    sign: Sign,
) {
    let [kh, kw] = window.kernel;
    let stride = window.stride[1];
    // A padded row is split by its columns' remainder modulo the stride, so that a tap's outputs are neighbours.
    let part = ow.next_multiple_of(LANES) + (kw - 1) * window.dilation[1] / stride;
    let row = stride * part;
    let height = (oh - 1) * window.stride[0] + (kh - 1) * window.dilation[0] + 1;
    let padded = pad(x, input, window, [height, part]);
    let taps: Vec<(usize, u64)> = w
        .iter()
        .enumerate()
        .map(|(i, &w)| {
            let (channel, ky, kx) = (i / (kw * kh), i / kw % kh, i % kw * window.dilation[1]);
            let at = (channel * height + ky * window.dilation[0]) * row + kx % stride * part + kx / stride;
            (at, if sign == Sign::Plus { w } else { w.wrapping_neg() })
        })
        .collect();
    for (y, out) in out.chunks_exact_mut(ow).enumerate() {
        let padded = &padded[y * window.stride[0] * row..];
        for (x, out) in out.chunks_mut(LANES).enumerate() {
            let padded = &padded[x * LANES..];
            let mut sums = [0u64; LANES];
            for &(at, w) in &taps {
                for (sum, &x) in sums.iter_mut().zip(&padded[at..at + LANES]) {
                    *sum = sum.wrapping_add(w.wrapping_mul(x));
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = out.wrapping_add(sum);
            }
        }
    }
}

/// The channels of `x` with padding, `height` rows each; a row has one part of length `part` for each residue modulo
/// the stride. Elements beyond it are left out.
#[inline(always)]
fn pad(x: &[u64], [h, w]: [usize; 2], window: &Window2d, [height, part]: [usize; 2]) -> Vec<u64> {
    let stride = window.stride[1];
    let row = stride * part;
    let [top, left, ..] = window.pads;
    let channels = x.len() / (h * w);
    let mut padded = vec![0; channels * height * row];
    for (x, padded) in x.chunks_exact(h * w).zip(padded.chunks_exact_mut(height * row)) {
        for (x, padded) in x.chunks_exact(w).zip(padded.chunks_exact_mut(row).skip(top)) {
            for (phase, padded) in padded.chunks_exact_mut(part).enumerate() {
                // Part element p is padded column p * stride + phase.
                let first = left.saturating_sub(phase).div_ceil(stride);
                let start = first * stride + phase - left;
                if first >= part || start >= w {
                    continue;
                }
                let (padded, x) = (&mut padded[first..], &x[start..]);
                if stride == 1 {
                    let length = x.len().min(padded.len());
                    padded[..length].copy_from_slice(&x[..length]);
                } else if stride == 2 {
                    // pairs, which compile to shuffles, and the rest
                    let (pairs, rest) = x.as_chunks::<2>();
                    padded.iter_mut().zip(pairs).for_each(|(p, pair)| *p = pair[0]);
                    if let (Some(p), Some(&x)) = (padded.get_mut(pairs.len()), rest.first()) {
                        *p = x;
                    }
                } else {
                    for (p, &x) in padded.iter_mut().zip(x.iter().step_by(stride)) {
                        *p = x;
                    }
                }
            }
        }
    }
    padded
}
