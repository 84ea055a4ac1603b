//! Convolution with few filters a group (depthwise, above all): each weight times a row of the input.

use crate::parallel;
use crate::product::Sign;
use crate::simd::{Level, dispatch_at};
use crate::tensor::RingTensor;
use crate::window::{ConvSpec, Window2d};

/// `out ± x∘w` for operands whose shapes fit and are not empty; `o`, `oh` and `ow` are the output's.
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
            || plane(out, x, w, [h, width], ow, &spec.window, sign),
        );
    });
}

/// One output channel, row by row.
#[inline(always)]
fn plane(
    out: &mut [u64],
    x: &[u64],
    w: &[u64],
    [h, width]: [usize; 2],
    ow: usize,
    window: &Window2d,
    sign: Sign,
) {
    let [kh, kw] = window.kernel;
    let ranges: Vec<_> = (0..kw).map(|kx| window.valid(1, kx, width, ow)).collect();
    for (y, out) in out.chunks_exact_mut(ow).enumerate() {
        for (x, w) in x.chunks_exact(h * width).zip(w.chunks_exact(kh * kw)) {
            for (ky, w) in w.chunks_exact(kw).enumerate() {
                let row = (y * window.stride[0] + ky * window.dilation[0]).checked_sub(window.pads[0]);
                let Some(row) = row.filter(|&row| row < h) else { continue };
                let row = &x[row * width..(row + 1) * width];
                for (&w, &(first, end, start)) in w.iter().zip(&ranges) {
                    if first == end {
                        continue;
                    }
                    let w = if sign == Sign::Plus { w } else { w.wrapping_neg() };
                    let out = &mut out[first..end];
                    if window.stride[1] == 1 {
                        for (out, &x) in out.iter_mut().zip(&row[start..]) {
                            *out = out.wrapping_add(w.wrapping_mul(x));
                        }
                    } else {
                        for (out, &x) in out.iter_mut().zip(row[start..].iter().step_by(window.stride[1])) {
                            *out = out.wrapping_add(w.wrapping_mul(x));
                        }
                    }
                }
            }
        }
    }
}
