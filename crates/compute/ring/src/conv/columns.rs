//! The windows' elements as the right-hand side of a product, without materialising that matrix.

use std::ops::Range;

use crate::product::Rhs;
use crate::window::Window2d;

/// The number of columns gathered at a time.
const LANES: usize = 8;

/// The matrix of some images and some channels of each: its columns are the windows (image, y, x), its rows their
/// elements (channel, tap).
pub(super) struct Columns<'a> {
    x: &'a [u64],
    window: Window2d,
    /// Height and width of the input and the output.
    input: [usize; 2],
    output: [usize; 2],
    /// The distance between two images.
    image: usize,
}

impl<'a> Columns<'a> {
    /// The windows of channels of height and width `input`, `output` of them for each image. `x` begins at the first
    /// channel of the first image; the next image is `image` words further on.
    pub(super) fn new(
        x: &'a [u64],
        image: usize,
        input: [usize; 2],
        window: Window2d,
        output: [usize; 2],
    ) -> Self {
        Self { x, window, input, output, image }
    }

    /// The positions of the elements of tap (ky, kx) of the first channel, for eight neighbouring windows.
    #[inline(always)]
    fn locate(&self, windows: &[Window; LANES], [ky, kx]: [usize; 2]) -> Source {
        let [h, w] = self.input;
        let (dy, dx) = (ky * self.window.dilation[0], kx * self.window.dilation[1]);
        let mut at = [0; LANES];
        let mut mask = [0; LANES];
        for lane in 0..LANES {
            let Window { image, y, x } = windows[lane];
            // Coordinates left of or above the input wrap to far beyond it.
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

/// A window of the output: the start of its image (`usize::MAX` past the last column) and the input coordinates of its
/// first tap, wrapped if negative.
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

impl Columns<'_> {
    /// The windows of eight columns from `first` on.
    #[inline(always)]
    fn windows(&self, first: usize, end: usize) -> [Window; LANES] {
        let [oh, ow] = self.output;
        std::array::from_fn(|lane| {
            let column = first + lane;
            if column >= end {
                return Window { image: usize::MAX, y: 0, x: 0 };
            }
            let (image, y, x) = (column / (oh * ow), column / ow % oh, column % ow);
            Window {
                image: image * self.image,
                y: (y * self.window.stride[0]).wrapping_sub(self.window.pads[0]),
                x: (x * self.window.stride[1]).wrapping_sub(self.window.pads[1]),
            }
        })
    }
}

/// Writes eight elements of each channel to the beginning of each row; the planes are `channel` apart in x.
#[inline(always)]
fn gather<'a>(x: &[u64], channel: usize, source: &Source, rows: impl Iterator<Item = &'a mut [u64]>) {
    match source {
        Source::Run(at) => copy_runs::<LANES>(x, channel, *at, rows),
        Source::EverySecond(at) => {
            for (c, row) in rows.enumerate() {
                let x = &x[at + c * channel..][..2 * LANES - 1];
                for lane in 0..LANES {
                    row[lane] = x[2 * lane];
                }
            }
        }
        Source::Scattered(at, mask) => {
            for (c, row) in rows.enumerate() {
                let x = &x[c * channel..];
                for lane in 0..LANES {
                    row[lane] = x[at[lane]] & mask[lane];
                }
            }
        }
    }
}

/// The same for N neighbours.
#[inline(always)]
fn copy_runs<'a, const N: usize>(
    x: &[u64],
    channel: usize,
    at: usize,
    rows: impl Iterator<Item = &'a mut [u64]>,
) {
    for (c, row) in rows.enumerate() {
        row[..N].copy_from_slice(&x[at + c * channel..][..N]);
    }
}

impl Rhs for Columns<'_> {
    #[inline(always)]
    fn pack(&self, rows: Range<usize>, columns: Range<usize>, width: usize, packed: &mut [u64]) {
        let [_, kw] = self.window.kernel;
        let taps = self.window.kernel.iter().product();
        let channel = self.input[0] * self.input[1];
        // panels are one or two groups of eight columns wide
        let groups = width / LANES;
        let windows = [0, LANES].map(|first| self.windows(columns.start + first, columns.end));
        for tap in 0..taps {
            // The rows of this tap: tap + channel * taps.
            let channels = rows.start.saturating_sub(tap).div_ceil(taps);
            let top = channels * taps + tap;
            if top >= rows.end {
                continue;
            }
            let x = &self.x[channels * channel..];
            let packed = &mut packed[(top - rows.start) * width..];
            let sources = windows.each_ref().map(|windows| self.locate(windows, [tap / kw, tap % kw]));
            match sources {
                [Source::Run(at), Source::Run(next)] if groups == 2 && next == at + LANES => {
                    copy_runs::<{ 2 * LANES }>(x, channel, at, packed.chunks_mut(taps * width));
                }
                _ => {
                    for (group, source) in sources.iter().enumerate().take(groups) {
                        let rows = packed[group * LANES..].chunks_mut(taps * width);
                        gather(x, channel, source, rows);
                    }
                }
            }
        }
    }
}
