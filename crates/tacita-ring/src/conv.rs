//! Two-dimensional convolution: a product of the filters with the windows' elements, which are gathered straight
//! into the product's packed panels.

mod columns;
mod direct;

use crate::elementwise::zip_assign;
use crate::product::{Sign, product_packed};
use crate::simd::Level;
use crate::tensor::RingTensor;
use crate::window::ConvSpec;
use columns::Columns;

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
    convolve(Level::current(), out.data_mut(), x, w, spec, sign);
}

fn shape_or_panic(x: &RingTensor, w: &RingTensor, spec: &ConvSpec) -> [usize; 4] {
    conv2d_shape(x.shape(), w.shape(), spec)
        .unwrap_or_else(|| panic!("cannot convolve shapes {:?} and {:?} by {spec:?}", x.shape(), w.shape()))
}

/// Filters of a group from which packing the group's input pays.
const FEW_FILTERS: usize = 4;

/// Outputs of a channel from which an image is convolved alone; smaller ones share the columns of a product.
const MANY_OUTPUTS: usize = 512;

fn convolve(level: Level, out: &mut [u64], x: &RingTensor, w: &RingTensor, spec: &ConvSpec, sign: Sign) {
    let [n, o, oh, ow] = shape_or_panic(x, w, spec);
    let plane = oh * ow;
    if n * o * plane == 0 || w.is_empty() || x.is_empty() {
        return;
    }
    let filters = o / spec.groups;
    if filters < FEW_FILTERS {
        return direct::convolve(level, out, x, w, spec, [o, oh, ow], sign);
    }
    let depth = w.len() / o;
    let together = if plane < MANY_OUTPUTS { MANY_OUTPUTS.div_ceil(plane).min(n) } else { 1 };
    for first in (0..n).step_by(together) {
        let images = first..n.min(first + together);
        for group in 0..spec.groups {
            let weights = &w.data()[group * filters * depth..(group + 1) * filters * depth];
            let columns = Columns::new(x, spec, group, images.clone(), [oh, ow]);
            let dims = [filters, images.len() * plane, depth];
            let place = |image: usize| (image * o + group * filters) * plane;
            if images.len() == 1 {
                let out = &mut out[place(first)..][..filters * plane];
                product_packed(level, out, weights, &columns, dims, sign);
            } else {
                // Rows of this product run through all images, those of the output through one.
                let mut product = vec![0; filters * images.len() * plane];
                product_packed(level, &mut product, weights, &columns, dims, sign);
                let mut parts = product.chunks_exact(plane);
                for filter in 0..filters {
                    for (image, part) in images.clone().zip(&mut parts) {
                        zip_assign(
                            &mut out[place(image) + filter * plane..][..plane],
                            part,
                            u64::wrapping_add,
                        );
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::window::Window2d;

    fn naive(out: &mut RingTensor, x: &RingTensor, w: &RingTensor, spec: &ConvSpec, sign: Sign) {
        let [n, o, oh, ow] = conv2d_shape(x.shape(), w.shape(), spec).unwrap();
        let (&[_, c, h, width], &[_, channels, kh, kw]) =
            (x.shape().as_array().unwrap(), w.shape().as_array().unwrap());
        let Window2d { stride, dilation, pads, .. } = spec.window;
        let mut outputs = out.data_mut().iter_mut();
        for (image, filter, y, z) in
            (0..n * o * oh * ow).map(|i| (i / (ow * oh * o), i / (ow * oh) % o, i / ow % oh, i % ow))
        {
            let mut sum = 0u64;
            for (channel, ky, kx) in (0..channels * kh * kw).map(|i| (i / (kw * kh), i / kw % kh, i % kw)) {
                let iy = (y * stride[0] + ky * dilation[0]).wrapping_sub(pads[0]);
                let ix = (z * stride[1] + kx * dilation[1]).wrapping_sub(pads[1]);
                if iy < h && ix < width {
                    let channel_in = filter / (o / spec.groups) * channels + channel;
                    let x = x.data()[((image * c + channel_in) * h + iy) * width + ix];
                    let w = w.data()[((filter * channels + channel) * kh + ky) * kw + kx];
                    sum = sum.wrapping_add(x.wrapping_mul(w));
                }
            }
            let out = outputs.next().unwrap();
            *out = if sign == Sign::Plus { out.wrapping_add(sum) } else { out.wrapping_sub(sum) };
        }
    }

    fn check(x: [usize; 4], w: [usize; 4], spec: &ConvSpec, sign: Sign) {
        let Some(shape) = conv2d_shape(&x, &w, spec) else { return };
        let [x, w, start] = [&x, &w, &shape]
            .map(|shape| RingTensor::new(shape.to_vec(), crate::test_data(shape.iter().product(), 5)));
        let mut expected = start.clone();
        naive(&mut expected, &x, &w, spec, sign);
        for level in Level::supported() {
            let mut out = start.clone();
            convolve(level, out.data_mut(), &x, &w, spec, sign);
            assert!(out == expected, "{level:?} {x:?} {w:?} {spec:?} {sign:?}");
        }
    }

    prop_compose! {
        fn windows()(
            kernel in [1usize..=4, 1usize..=4],
            stride in [1usize..=3, 1usize..=3],
            dilation in [1usize..=2, 1usize..=2],
            pads in [0usize..=3, 0usize..=3, 0usize..=3, 0usize..=3],
        ) -> Window2d {
            Window2d { kernel, stride, dilation, pads }
        }
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            window in windows(),
            n in 1usize..4,
            groups in 1usize..4,
            channels in 1usize..4,
            filters in 1usize..12,
            h in 1usize..14,
            width in 1usize..30,
            minus: bool,
        ) {
            let w = [groups * filters, channels, window.kernel[0], window.kernel[1]];
            let sign = if minus { Sign::Minus } else { Sign::Plus };
            check([n, groups * channels, h, width], w, &ConvSpec { window, groups }, sign);
        }
    }

    #[test]
    fn many_channels_and_images() {
        let window = Window2d { pads: [1; 4], ..Window2d::new([3, 3]) };
        check([2, 60, 7, 7], [9, 60, 3, 3], &ConvSpec { window, groups: 1 }, Sign::Minus);
        check([1, 60, 9, 56], [8, 60, 3, 3], &ConvSpec { window, groups: 1 }, Sign::Plus);
        let stem = Window2d { stride: [2, 2], pads: [3; 4], ..Window2d::new([7, 7]) };
        check([1, 3, 32, 48], [16, 3, 7, 7], &ConvSpec { window: stem, groups: 1 }, Sign::Plus);
        check(
            [1, 300, 6, 6],
            [16, 300, 1, 1],
            &ConvSpec { window: Window2d::new([1, 1]), groups: 1 },
            Sign::Plus,
        );
    }

    #[test]
    fn threads_change_nothing() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let window = Window2d { pads: [1; 4], ..Window2d::new([3, 3]) };
        pool.install(|| {
            check([2, 16, 30, 30], [16, 16, 3, 3], &ConvSpec { window, groups: 1 }, Sign::Plus);
            check([2, 16, 64, 64], [16, 1, 3, 3], &ConvSpec { window, groups: 16 }, Sign::Plus);
        });
    }

    #[test]
    #[should_panic(expected = "cannot convolve shapes [1, 2, 5, 5] and [4, 3, 3, 3]")]
    fn a_mismatch_names_both_shapes() {
        let spec = ConvSpec { window: Window2d::new([3, 3]), groups: 1 };
        conv2d(&RingTensor::zeros(&[1, 2, 5, 5]), &RingTensor::zeros(&[4, 3, 3, 3]), &spec);
    }
}
