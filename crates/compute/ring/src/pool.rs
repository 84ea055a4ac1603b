//! Sums over sliding windows.

use crate::tensor::RingTensor;
use crate::window::Window2d;
use crate::{parallel, simd};

/// The shape of [`sum_pool2d`] of a tensor of shape (n, c, h, w); `None` for another rank or a window that does not
/// fit.
pub fn sum_pool2d_shape(x: &[usize], window: &Window2d) -> Option<[usize; 4]> {
    let &[n, c, h, w] = x.as_array()?;
    let [oh, ow] = window.output([h, w])?;
    Some([n, c, oh, ow])
}

/// The sums over the windows of each channel of `x` (n, c, h, w): (n, c, height, width). Padding counts as zero.
///
/// # Panics
/// If `x` does not have four axes or the window does not fit; the message names both.
pub fn sum_pool2d(x: &RingTensor, window: &Window2d) -> RingTensor {
    let shape = sum_pool2d_shape(x.shape(), window)
        .unwrap_or_else(|| panic!("cannot pool shape {:?} by {window:?}", x.shape()));
    let &[n, c, h, w] = x.shape().as_array().expect("sum_pool2d_shape checked the rank");
    let mut out = RingTensor::zeros(&shape);
    let plane = shape[2] * shape[3];
    if plane > 0 && h * w > 0 {
        let work = n * c * plane * window.kernel[0] * window.kernel[1];
        parallel::for_each_part(out.data_mut(), plane, work, |channel, out| {
            let x = &x.data()[channel * h * w..(channel + 1) * h * w];
            simd::dispatch(
                #[inline(always)]
                || pool_plane(out, x, [h, w], [shape[2], shape[3]], window),
            );
        });
    }
    out
}

/// Adds the windows' sums of one channel to `out`, one tap at a time.
#[inline(always)]
fn pool_plane(out: &mut [u64], x: &[u64], [h, w]: [usize; 2], [oh, ow]: [usize; 2], window: &Window2d) {
    for ky in 0..window.kernel[0] {
        let (y0, y1, iy) = window.valid(0, ky, h, oh);
        for kx in 0..window.kernel[1] {
            let (x0, x1, ix) = window.valid(1, kx, w, ow);
            for y in y0..y1 {
                let row = &x[(iy + (y - y0) * window.stride[0]) * w..][..w];
                let out = &mut out[y * ow..(y + 1) * ow][x0..x1];
                if window.stride[1] == 1 {
                    for (sum, &x) in out.iter_mut().zip(&row[ix.min(w)..]) {
                        *sum = sum.wrapping_add(x);
                    }
                } else {
                    for (i, sum) in out.iter_mut().enumerate() {
                        *sum = sum.wrapping_add(row[ix + i * window.stride[1]]);
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
    use crate::conv::conv2d;
    use crate::window::ConvSpec;

    proptest! {
        /// A window's sum is its convolution with ones, channel by channel.
        #[test]
        fn equals_a_convolution_with_ones(
            kernel in [1usize..=4, 1usize..=4],
            stride in [1usize..=3, 1usize..=3],
            dilation in [1usize..=2, 1usize..=2],
            pads in [0usize..=5, 0usize..=3, 0usize..=3, 0usize..=5],
            shape in [1usize..3, 1usize..4, 1usize..12, 1usize..20],
        ) {
            let window = Window2d { kernel, stride, dilation, pads };
            prop_assume!(sum_pool2d_shape(&shape, &window).is_some());
            let x = RingTensor::new(shape.to_vec(), crate::test_data(shape.iter().product(), 6));
            let ones = RingTensor::filled(&[shape[1], 1, kernel[0], kernel[1]], 1);
            let expected = conv2d(&x, &ones, &ConvSpec { window, groups: shape[1] });
            prop_assert!(sum_pool2d(&x, &window) == expected);
        }
    }

    #[test]
    #[should_panic(expected = "cannot pool shape [1, 1, 2, 2]")]
    fn a_window_that_does_not_fit_is_refused() {
        sum_pool2d(&RingTensor::zeros(&[1, 1, 2, 2]), &Window2d::new([3, 3]));
    }
}
