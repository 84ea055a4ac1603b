//! Two-dimensional convolution.

use crate::product::Sign;
use crate::tensor::RingTensor;
use crate::window::ConvSpec;

/// The shape (n, o, height, width) of a convolution of `x` (n, c, h, w) with `w` (o, c / groups, kh, kw).
///
/// `None` where ranks, channels, groups, the window's kernel or sizes do not fit.
pub fn conv2d_shape(x: &[usize], w: &[usize], spec: &ConvSpec) -> Option<[usize; 4]> {
    let (&[n, c, h, width], &[o, channels, kh, kw]) = (x.as_array()?, w.as_array()?);
    let fits = spec.groups > 0
        && c == channels.checked_mul(spec.groups)?
        && o.is_multiple_of(spec.groups)
        && spec.window.kernel == [kh, kw];
    let [oh, ow] = spec.window.output([h, width])?;
    fits.then_some([n, o, oh, ow])
}

/// The convolution of `x` (n, c, h, w) with `w` (o, c / groups, kh, kw): (n, o, height, width).
///
/// # Panics
/// If the shapes do not fit ([`conv2d_shape`]); the message names both.
pub fn conv2d(x: &RingTensor, w: &RingTensor, spec: &ConvSpec) -> RingTensor {
    let mut out = RingTensor::zeros(&shape_or_panic(x, w, spec));
    conv2d_into(&mut out, x, w, spec, Sign::Plus);
    out
}

/// Adds the convolution of `x` and `w` to `out`, or subtracts it.
///
/// # Panics
/// If the shapes do not fit or `out` has not the shape of the convolution; the message names them.
pub fn conv2d_into(out: &mut RingTensor, x: &RingTensor, w: &RingTensor, spec: &ConvSpec, sign: Sign) {
    let shape = shape_or_panic(x, w, spec);
    assert!(
        out.shape() == shape,
        "the convolution of shapes {:?} and {:?} has shape {shape:?}, but the output has {:?}",
        x.shape(),
        w.shape(),
        out.shape()
    );
    let [_, o, oh, ow] = shape;
    let (&[n, c, h, width], &[_, channels, kh, kw]) =
        (x.shape().as_array().expect("rank 4"), w.shape().as_array().expect("rank 4"));
    let out = out.data_mut();
    for image in 0..n {
        for filter in 0..o {
            let group = filter / (o / spec.groups);
            let out = &mut out[(image * o + filter) * oh * ow..][..oh * ow];
            for channel in 0..channels {
                let x = &x.data()[(image * c + group * channels + channel) * h * width..][..h * width];
                for tap in 0..kh * kw {
                    let weight = w.data()[(filter * channels + channel) * kh * kw + tap];
                    let weight = if sign == Sign::Minus { weight.wrapping_neg() } else { weight };
                    let (y0, y1, iy) = spec.window.valid(0, tap / kw, h, oh);
                    let (x0, x1, ix) = spec.window.valid(1, tap % kw, width, ow);
                    for y in y0..y1 {
                        let row = &x[(iy + (y - y0) * spec.window.stride[0]) * width..][..width];
                        for (i, out) in out[y * ow..][x0..x1].iter_mut().enumerate() {
                            *out = out.wrapping_add(weight.wrapping_mul(row[ix + i * spec.window.stride[1]]));
                        }
                    }
                }
            }
        }
    }
}

fn shape_or_panic(x: &RingTensor, w: &RingTensor, spec: &ConvSpec) -> [usize; 4] {
    conv2d_shape(x.shape(), w.shape(), spec)
        .unwrap_or_else(|| panic!("cannot convolve shapes {:?} and {:?} by {spec:?}", x.shape(), w.shape()))
}
