//! The windows' elements as the right-hand side of a product, without ever building that matrix.

use std::ops::Range;

use crate::product::Rhs;
use crate::tensor::RingTensor;
use crate::window::{ConvSpec, Window2d};

/// Columns gathered at a time.
const LANES: usize = 8;

/// For some images and one group of channels, the matrix whose columns are the windows (image, y, x) and whose rows
/// are their elements (channel, tap).
pub(super) struct Columns<'a> {
    x: &'a [u64],
    window: Window2d,
    /// Height and width of the input and of the output.
    input: [usize; 2],
    output: [usize; 2],
    /// Distance of two images, the group's first channel, and the first image.
    image: usize,
    offset: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn new(
        x: &'a RingTensor,
        spec: &ConvSpec,
        group: usize,
        images: Range<usize>,
        output: [usize; 2],
    ) -> Self {
        let &[_, c, h, w] = x.shape().as_array().expect("four axes");
        let image = c * h * w;
        let offset = images.start * image + group * (c / spec.groups) * h * w;
        Self { x: x.data(), window: spec.window, input: [h, w], output, image, offset }
    }

    /// Where the elements of tap (ky, kx) of the first channel of eight neighbouring windows lie.
    #[inline(always)]
    fn locate(&self, windows: &[Window; LANES], [ky, kx]: [usize; 2]) -> Source {
        let [h, w] = self.input;
        let (dy, dx) = (ky * self.window.dilation[0], kx * self.window.dilation[1]);
        let mut at = [0; LANES];
        let mut mask = [0; LANES];
        for lane in 0..LANES {
            let Window { image, y, x } = windows[lane];
            // Left of or above the input, these wrap to far beyond it.
            let (y, x) = (y.wrapping_add(dy), x.wrapping_add(dx));
            let inside = image != usize::MAX && y < h && x < w;
            if inside {
                at[lane] = image + y * w + x;
                mask[lane] = u64::MAX;
            }
        }
        if mask == [u64::MAX; LANES] {
            if (1..LANES).all(|lane| at[lane] == at[0] + lane) {
                return Source::Run(at[0]);
            }
            if (1..LANES).all(|lane| at[lane] == at[0] + 2 * lane) {
                return Source::EverySecond(at[0]);
            }
        }
        Source::Scattered(at, mask)
    }
}

/// A window of the output: where its image begins (`usize::MAX` past the last column) and the input coordinates of
/// its first tap, negative ones wrapped.
#[derive(Clone, Copy)]
struct Window {
    image: usize,
    y: usize,
    x: usize,
}

/// Eight elements to gather.
enum Source {
    Run(usize),
    EverySecond(usize),
    /// Positions, and masks that are zero for padding.
    Scattered([usize; LANES], [u64; LANES]),
}

impl Rhs for Columns<'_> {
    #[inline(always)]
    fn pack(&self, rows: Range<usize>, columns: Range<usize>, width: usize, packed: &mut [u64]) {
        let [kh, kw] = self.window.kernel;
        let taps = kh * kw;
        let [oh, ow] = self.output;
        let channel_size = self.input[0] * self.input[1];
        for first in (0..width).step_by(LANES) {
            let windows: [Window; LANES] = std::array::from_fn(|lane| {
                let column = columns.start + first + lane;
                if column >= columns.end {
                    return Window { image: usize::MAX, y: 0, x: 0 };
                }
                let (image, y, x) = (column / (oh * ow), column / ow % oh, column % ow);
                Window {
                    image: self.offset + image * self.image,
                    y: (y * self.window.stride[0]).wrapping_sub(self.window.pads[0]),
                    x: (x * self.window.stride[1]).wrapping_sub(self.window.pads[1]),
                }
            });
            for tap in 0..taps {
                // The rows of this tap: tap + channel * taps.
                let channels = rows.start.saturating_sub(tap).div_ceil(taps);
                let top = channels * taps + tap;
                if top >= rows.end {
                    continue;
                }
                let x = &self.x[channels * channel_size..];
                let packed = packed[(top - rows.start) * width + first..].chunks_mut(taps * width);
                let packed = packed.map(|row| &mut row[..LANES]);
                match self.locate(&windows, [tap / kw, tap % kw]) {
                    Source::Run(at) => {
                        for (channel, packed) in packed.enumerate() {
                            packed.copy_from_slice(&x[at + channel * channel_size..][..LANES]);
                        }
                    }
                    Source::EverySecond(at) => {
                        for (channel, packed) in packed.enumerate() {
                            let x = &x[at + channel * channel_size..][..2 * LANES - 1];
                            for lane in 0..LANES {
                                packed[lane] = x[2 * lane];
                            }
                        }
                    }
                    Source::Scattered(at, mask) => {
                        for (channel, packed) in packed.enumerate() {
                            let x = &x[channel * channel_size..];
                            for lane in 0..LANES {
                                packed[lane] = x[at[lane]] & mask[lane];
                            }
                        }
                    }
                }
            }
        }
    }
}
