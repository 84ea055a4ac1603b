//! Two-dimensional convolution: a product of the filters with the windows' elements, which are gathered directly into
//! the product's packed panels. With many channels, several smaller products replace it and need fewer multiplications.

mod columns;
mod direct;
mod hankel;

use crate::elementwise::zip_assign;
use crate::product::{Sign, product_packed};
use crate::simd::Level;
use crate::tensor::RingTensor;
use crate::window::ConvSpec;
use columns::Columns;

/// The shape (n, o, height, width) of a convolution of `x` (n, c, h, w) with `w` (o, c / groups, kh, kw).
///
/// `None` if ranks, channels, groups, kernel or sizes do not match.
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
/// If the shapes do not fit or `out` does not have the shape of the convolution; the message names them.
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

/// The least number of filters in a group for which packing the group's input pays.
const FEW_FILTERS: usize = 4;

/// With this number of outputs in a channel, an image is convolved alone; smaller images share the columns of a
/// product.
const MANY_OUTPUTS: usize = 512;

/// The algorithm of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// Computes one output after another.
    Direct,
    /// A product with the windows' elements.
    Columns,
    /// Tiles of this height and width.
    Tiles([usize; 2]),
}

/// The number of multiplications below which tiles are not considered, because the estimate itself takes time.
const FEW_PRODUCTS: usize = 1 << 22;

/// The path with the least estimated cost.
fn choose(x: &RingTensor, w: &RingTensor, spec: &ConvSpec, [n, o, oh, ow]: [usize; 4]) -> Path {
    if o / spec.groups < FEW_FILTERS {
        return Path::Direct;
    }
    let depth = w.len() / o;
    if spec.window.dilation != [1, 1] || n * o * oh * ow * depth < FEW_PRODUCTS {
        return Path::Columns;
    }
    let images = hankel::parts(n, together(oh * ow, n));
    let columns: usize = images.map(|(count, images)| count * hankel::vectors(images * oh * ow)).sum();
    let cost = depth * columns * (o + spec.groups * hankel::SUM);
    let sizes = |axis: usize| {
        let taps = spec.window.kernel[axis].div_ceil(spec.window.stride[axis]);
        hankel::TILES
            .into_iter()
            .take_while(move |&tile| tile <= taps.next_power_of_two().min([oh, ow][axis]))
    };
    let tiles = sizes(0).flat_map(|y| sizes(1).map(move |x| [y, x])).filter(|&tile| tile != [1, 1]);
    let costs = tiles.map(|tile| (hankel::Tiled::new(x, w, spec, [oh, ow], tile).cost(), tile));
    // The estimate must be clearly below that of the simpler path.
    match costs.min() {
        Some((least, tile)) if least < cost - cost / 20 => Path::Tiles(tile),
        _ => Path::Columns,
    }
}

/// The number of images, out of `n`, that share the columns of a product.
fn together(plane: usize, n: usize) -> usize {
    if plane < MANY_OUTPUTS { MANY_OUTPUTS.div_ceil(plane).min(n) } else { 1 }
}

fn convolve(level: Level, out: &mut [u64], x: &RingTensor, w: &RingTensor, spec: &ConvSpec, sign: Sign) {
    let shape = shape_or_panic(x, w, spec);
    if !out.is_empty() && !w.is_empty() && !x.is_empty() {
        convolve_by(choose(x, w, spec, shape), level, out, x, w, spec, sign);
    }
}

/// Convolves nonempty operands on a path that supports them.
fn convolve_by(
    path: Path,
    level: Level,
    out: &mut [u64],
    x: &RingTensor,
    w: &RingTensor,
    spec: &ConvSpec,
    sign: Sign,
) {
    let [n, o, oh, ow] = shape_or_panic(x, w, spec);
    match path {
        Path::Direct => direct::convolve(level, out, x, w, spec, [o, oh, ow], sign),
        Path::Columns => convolve_columns(level, out, x, w, spec, [n, o, oh, ow], sign),
        Path::Tiles(tile) => hankel::Tiled::new(x, w, spec, [oh, ow], tile).run(level, out, sign),
    }
}

fn convolve_columns(
    level: Level,
    out: &mut [u64],
    x: &RingTensor,
    w: &RingTensor,
    spec: &ConvSpec,
    [n, o, oh, ow]: [usize; 4],
    sign: Sign,
) {
    let &[_, c, h, width] = x.shape().as_array().expect("four axes");
    let (plane, filters, depth) = (oh * ow, o / spec.groups, w.len() / o);
    let image = c * h * width;
    let together = together(plane, n);
    for first in (0..n).step_by(together) {
        let images = first..n.min(first + together);
        for group in 0..spec.groups {
            let weights = &w.data()[group * filters * depth..(group + 1) * filters * depth];
            let from = first * image + group * (image / spec.groups);
            let columns = Columns::new(&x.data()[from..], image, [h, width], spec.window, [oh, ow]);
            let dims = [filters, images.len() * plane, depth];
            let place = |image: usize| (image * o + group * filters) * plane;
            if images.len() == 1 {
                let out = &mut out[place(first)..][..filters * plane];
                product_packed(level, out, &[weights], &columns, dims, sign.into());
            } else {
                // Rows of this product run through all images, rows of the output through one.
                let mut product = vec![0; filters * images.len() * plane];
                product_packed(level, &mut product, &[weights], &columns, dims, sign.into());
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
    use proptest::sample::select;

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

    /// The chosen path, the paths without tiles, and tiles of each of these sizes, at every level.
    fn check(
        x: [usize; 4],
        w: [usize; 4],
        spec: &ConvSpec,
        sign: Sign,
        tiles: impl Iterator<Item = [usize; 2]>,
    ) {
        let Some(shape) = conv2d_shape(&x, &w, spec) else { return };
        let [x, w, start] = [&x, &w, &shape]
            .map(|shape| RingTensor::new(shape.to_vec(), crate::test_data(shape.iter().product(), 5)));
        let mut expected = start.clone();
        naive(&mut expected, &x, &w, spec, sign);
        let tiles = tiles.filter(|_| spec.window.dilation == [1, 1]).map(Path::Tiles);
        for path in [choose(&x, &w, spec, shape), Path::Direct, Path::Columns].into_iter().chain(tiles) {
            for level in Level::supported() {
                let mut out = start.clone();
                convolve_by(path, level, out.data_mut(), &x, &w, spec, sign);
                assert!(out == expected, "{path:?} {level:?} {x:?} {w:?} {spec:?} {sign:?}");
            }
        }
    }

    fn all_tiles() -> impl Iterator<Item = [usize; 2]> {
        hankel::TILES.into_iter().flat_map(|y| hankel::TILES.into_iter().map(move |x| [y, x]))
    }

    prop_compose! {
        fn windows()(
            kernel in [1usize..=5, 1usize..=5],
            stride in [1usize..=3, 1usize..=3],
            dilation in [1usize..=2, 1usize..=2],
            pads in [0usize..=3, 0usize..=3, 0usize..=3, 0usize..=3],
        ) -> Window2d {
            Window2d { kernel, stride, dilation, pads }
        }
    }

    prop_compose! {
        /// Height 1, dense.
        fn rows()(
            kernel in 1usize..=9,
            stride in 1usize..=3,
            pads in [0usize..=4, 0usize..=4],
        ) -> Window2d {
            let pads = [0, pads[0], 0, pads[1]];
            Window2d { stride: [1, stride], pads, ..Window2d::new([1, kernel]) }
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
            tile in [select(&hankel::TILES), select(&hankel::TILES)],
            minus: bool,
        ) {
            let w = [groups * filters, channels, window.kernel[0], window.kernel[1]];
            let sign = if minus { Sign::Minus } else { Sign::Plus };
            let spec = ConvSpec { window, groups };
            check([n, groups * channels, h, width], w, &spec, sign, [tile].into_iter());
        }

        #[test]
        fn equals_the_definition_in_one_dimension(
            window in rows(),
            n in 1usize..4,
            groups in 1usize..3,
            channels in 1usize..4,
            filters in 1usize..12,
            width in 1usize..70,
            tile in select(&hankel::TILES),
            minus: bool,
        ) {
            let w = [groups * filters, channels, 1, window.kernel[1]];
            let sign = if minus { Sign::Minus } else { Sign::Plus };
            let spec = ConvSpec { window, groups };
            check([n, groups * channels, 1, width], w, &spec, sign, [[1, tile]].into_iter());
        }
    }

    #[test]
    fn tiles_of_every_size() {
        for (stride, kernel) in [([1, 1], [3, 3]), ([1, 1], [5, 2]), ([2, 1], [4, 5]), ([3, 2], [7, 7])] {
            let window = Window2d { stride, pads: [1, 2, 3, 0], ..Window2d::new(kernel) };
            let w = [10, 3, kernel[0], kernel[1]];
            check([2, 6, 19, 23], w, &ConvSpec { window, groups: 2 }, Sign::Minus, all_tiles());
        }
    }

    #[test]
    fn a_row_of_padding() {
        let window = Window2d { stride: [1, 50], pads: [1, 40, 1, 0], ..Window2d::new([3, 1]) };
        check([1, 2, 8, 1], [5, 2, 3, 1], &ConvSpec { window, groups: 1 }, Sign::Plus, all_tiles());
    }

    #[test]
    fn many_channels_and_images() {
        let some = || [[3, 3], [1, 3], [4, 2]].into_iter();
        let window = Window2d { pads: [1; 4], ..Window2d::new([3, 3]) };
        check([2, 60, 7, 7], [9, 60, 3, 3], &ConvSpec { window, groups: 1 }, Sign::Minus, some());
        check([1, 60, 9, 56], [8, 60, 3, 3], &ConvSpec { window, groups: 1 }, Sign::Plus, some());
        let stem = Window2d { stride: [2, 2], pads: [3; 4], ..Window2d::new([7, 7]) };
        check([1, 3, 32, 48], [16, 3, 7, 7], &ConvSpec { window: stem, groups: 1 }, Sign::Plus, some());
        let point = ConvSpec { window: Window2d::new([1, 1]), groups: 1 };
        check([1, 300, 6, 6], [16, 300, 1, 1], &point, Sign::Plus, some());
        // Deeper than one visit of a product's tile.
        let long = Window2d { pads: [0, 16, 0, 16], ..Window2d::new([1, 32]) };
        let long = ConvSpec { window: long, groups: 1 };
        check([1, 150, 1, 70], [20, 150, 1, 32], &long, Sign::Minus, [[1, 8], [1, 12], [1, 16]].into_iter());
    }

    #[test]
    fn large_convolutions_are_in_tiles() {
        let chosen = |x: [usize; 4], w: [usize; 4], pads: [usize; 4]| {
            let spec = ConvSpec { window: Window2d { pads, ..Window2d::new([w[2], w[3]]) }, groups: 1 };
            let shape = conv2d_shape(&x, &w, &spec).expect("the shapes fit");
            choose(&RingTensor::zeros(&x), &RingTensor::zeros(&w), &spec, shape)
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| {
            assert_eq!(chosen([1, 64, 56, 56], [64, 64, 3, 3], [1; 4]), Path::Tiles([3, 3]));
            assert_eq!(chosen([1, 50, 1, 800], [400, 50, 1, 32], [0, 16, 0, 16]), Path::Tiles([1, 16]));
            assert_eq!(chosen([1, 512, 7, 7], [512, 512, 3, 3], [1; 4]), Path::Columns);
            assert_eq!(chosen([1, 64, 56, 56], [64, 64, 1, 1], [0; 4]), Path::Columns);
            assert_eq!(chosen([64, 6, 14, 14], [16, 6, 5, 5], [0; 4]), Path::Columns);
        });
    }

    #[test]
    fn threads_change_nothing() {
        // Many threads get small parts: rows, images and filters.
        for threads in [3, 64] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let window = Window2d { pads: [1; 4], ..Window2d::new([3, 3]) };
            let spec = |groups| ConvSpec { window, groups };
            pool.install(|| {
                let tiles = || [[3, 3], [1, 4], [2, 1]].into_iter();
                check([2, 16, 30, 30], [20, 16, 3, 3], &spec(1), Sign::Plus, tiles());
                check([5, 16, 30, 9], [40, 8, 3, 3], &spec(2), Sign::Minus, tiles());
                check([1, 16, 70, 64], [9, 16, 3, 3], &spec(1), Sign::Plus, tiles());
                check([9, 16, 18, 18], [9, 16, 3, 3], &spec(1), Sign::Plus, tiles());
                check([2, 16, 64, 64], [16, 1, 3, 3], &spec(16), Sign::Plus, tiles());
            });
        }
    }

    #[test]
    #[should_panic(expected = "cannot convolve shapes [1, 2, 5, 5] and [4, 3, 3, 3]")]
    fn a_mismatch_names_both_shapes() {
        let spec = ConvSpec { window: Window2d::new([3, 3]), groups: 1 };
        conv2d(&RingTensor::zeros(&[1, 2, 5, 5]), &RingTensor::zeros(&[4, 3, 3, 3]), &spec);
    }
}
