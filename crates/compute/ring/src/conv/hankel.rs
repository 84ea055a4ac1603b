//! Convolution by products of Hankel matrices, with fewer multiplications and more additions.
//!
//! Along an axis, outputs form tiles of n and taps chunks of n: y_i = Σ_j x_{i+j} w_j is a product with a matrix whose
//! entries depend on i + j alone. It takes n (n + 1) / 2 multiplications instead of n², and no division, so it works in
//! any ring:
//!
//! ```text
//! y_i = d_i + Σ_{j≠i} p_ij,    p_ij = p_ji = x_{i+j} (w_i + w_j),    d_i = (x_{2i} − Σ_{j≠i} x_{i+j}) w_i
//! ```
//!
//! This is the transpose of the polynomial product of Weimerskirch and Paar, *Generalizations of the Karatsuba
//! Algorithm for Efficient Implementations* (2003). A Hankel matrix whose blocks are Hankel matrices is multiplied
//! block by block in the same way, which gives tiles of 4, 8 and 6, and tiles along both axes.
//!
//! Each multiplication here is itself a convolution, of all channels and tiles with one tap of a chunk, computed by
//! [`product_packed`]. Along an axis of stride s there are s times the channels, each of every s-th element.

use std::ops::Range;

use rayon::prelude::*;

use super::columns::Columns;
use crate::parallel;
use crate::product::{Scratch, Sign, Write, product_packed};
use crate::simd::{Level, dispatch_at};
use crate::tensor::RingTensor;
use crate::window::{ConvSpec, Window2d};

/// Tile sizes along an axis. A size of 1 leaves the axis as it is.
pub(super) const TILES: [usize; 8] = [1, 2, 3, 4, 6, 8, 12, 16];

/// Factors a tile size into sizes of Hankel matrices, the outermost first.
fn factors(tile: usize) -> &'static [usize] {
    match tile {
        1 => &[],
        2 => &[2],
        3 => &[3],
        4 => &[2, 2],
        6 => &[2, 3],
        8 => &[2, 2, 2],
        12 => &[2, 2, 3],
        16 => &[2, 2, 2, 2],
        _ => panic!("no tiles of {tile}"),
    }
}

/// The number of words of input and weights in one part of the work, shared by up to [`SHARED`] threads; the words
/// derived from them take as much again. [`ROWS`] rows of tiles and eight filters are not split.
const INPUT: usize = 1 << 18;
const WEIGHTS: usize = 1 << 20;

/// The number of tile rows that makes a part large compared with the row of blocks below it.
const ROWS: usize = 4;

/// The number of threads that share this memory: smaller parts are read, and their sums computed, more often. Further
/// threads get additional memory.
const SHARED: usize = 4;

/// The cost of writing a word, relative to a multiplication and addition in a product: as the sum of others or as a
/// copy; and as a move in strides. Measured on Zen 4 with AVX-512.
pub(super) const SUM: usize = 8;
const MOVE: usize = 20;

/// One of the two axes.
#[derive(Clone, Copy)]
struct Axis {
    kernel: usize,
    pad: usize,
    output: usize,
    tile: usize,
    /// The stride: every `residues`-th element of the input belongs to the same channel.
    residues: usize,
    /// The number of input blocks from one tile to the next.
    step: usize,
    chunks: usize,
    tiles: usize,
}

impl Axis {
    fn new(window: &Window2d, axis: usize, output: usize, tile: usize) -> Self {
        let (kernel, stride) = (window.kernel[axis], window.stride[axis]);
        let (residues, step) = if tile == 1 { (1, stride) } else { (stride, 1) };
        Self {
            kernel,
            pad: window.pads[axis],
            output,
            tile,
            residues,
            step,
            chunks: kernel.div_ceil(residues * tile),
            tiles: output.div_ceil(tile),
        }
    }

    /// The number of input blocks that this number of tiles reads.
    fn blocks(&self, tiles: usize) -> usize {
        (tiles - 1) * self.step + self.chunks
    }

    /// The number of elements in a tile's matrix: a block, and all but one of the next.
    fn phases(&self) -> usize {
        2 * self.tile - 1
    }

    /// Writes the elements of a padded input row, phase by phase: `width` blocks to the beginning of each plane.
    fn gather(&self, planes: &mut [u64], plane: usize, width: usize, padded: &[u64], residue: usize) {
        for phase in 0..self.phases() {
            let padded = &padded[phase * self.residues + residue..];
            let to = &mut planes[phase * plane..][..width];
            for (to, from) in to.iter_mut().zip(padded.chunks_exact(self.tile * self.residues)) {
                *to = from[0];
            }
        }
    }

    /// The tap at this position of a chunk, if there is one.
    fn tap(&self, chunk: usize, phase: usize, residue: usize) -> Option<usize> {
        let tap = (chunk * self.tile + phase) * self.residues + residue;
        (tap < self.kernel).then_some(tap)
    }
}

/// A convolution in tiles.
pub(super) struct Tiled<'a> {
    x: &'a RingTensor,
    w: &'a RingTensor,
    groups: usize,
    axes: [Axis; 2],
    /// The images and rows of tiles in a task, and the filters.
    images: usize,
    rows: usize,
    filters: usize,
}

/// A task: some filters of a group, for some tile rows in some images.
struct Task<'a> {
    images: Range<usize>,
    group: usize,
    filters: Range<usize>,
    /// Its first row of tiles.
    row: usize,
    /// Its part of each channel, those of the first image first.
    out: Vec<&'a mut [u64]>,
}

/// A step of the recursion: `factor`² blocks of a Hankel matrix.
#[derive(Clone, Copy)]
struct Step {
    factor: usize,
    /// The number of phases in a block's input, and from one block to the next.
    block: usize,
    distance: usize,
}

/// The dimensions of a multiplication.
struct Leaf {
    level: Level,
    /// The number of words in a phase of the input.
    plane: usize,
    /// The distance between images, and the height and width of a channel.
    image: usize,
    input: [usize; 2],
    window: Window2d,
    output: [usize; 2],
    /// The numbers of filters, columns and the depth.
    dims: [usize; 3],
}

impl<'a> Tiled<'a> {
    /// The convolution of `x` with `w` in tiles of the given height and width, each one of [`TILES`].
    ///
    /// The window must be dense.
    pub(super) fn new(
        x: &'a RingTensor,
        w: &'a RingTensor,
        spec: &ConvSpec,
        output: [usize; 2],
        tile: [usize; 2],
    ) -> Self {
        let axes = [0, 1].map(|i| Axis::new(&spec.window, i, output[i], tile[i]));
        let mut tiled = Self { x, w, groups: spec.groups, axes, images: 1, rows: 1, filters: 1 };
        let threads = rayon::current_num_threads();
        let share = threads.min(SHARED);
        let filters = tiled.all_filters();
        let weights = tiled.depth() * axes[0].tile * axes[1].tile;
        // Large weights justify larger parts of the input, because each part reads them again.
        let most_input = (filters * weights).clamp(INPUT, 4 * INPUT) / share;
        let row = tiled.plane(1) * tiled.channels() * axes[0].tile * axes[1].phases();
        let [rows, width] = axes.map(|axis| axis.tiles);
        let most = (most_input / row).max(ROWS).min(rows);
        if most == rows {
            tiled.images = (most_input / (row * rows)).clamp(1, x.shape()[0]);
        }
        tiled.rows = (most - most / 4..=most)
            .rev()
            .min_by_key(|&part| {
                parts(rows, part).map(|(count, part)| count * vectors(part * width)).sum::<usize>()
            })
            .expect("a part has a row");
        // Filters are split among threads only if nothing else is.
        let tasks = x.shape()[0].div_ceil(tiled.images) * spec.groups * rows.div_ceil(tiled.rows);
        let split = filters.div_ceil((WEIGHTS / share / weights).max(1)).max(threads.div_ceil(tasks));
        tiled.filters = filters.div_ceil(split).next_multiple_of(8);
        tiled
    }

    /// Estimates the time, in multiplications of a product: those of the products, with columns rounded up to whole
    /// vectors, and [`SUM`] or [`MOVE`] for each word written.
    pub(super) fn cost(&self) -> usize {
        let [y, x] = &self.axes;
        let (filters, depth, tile) = (self.all_filters(), self.depth(), y.tile * x.tile);
        let blocks = filters.div_ceil(self.filters);
        let mut cost = 0;
        for (count, images) in parts(self.x.shape()[0], self.images) {
            for (parts, rows) in parts(y.tiles, self.rows) {
                let tiles = images * rows * x.tiles;
                let columns = vectors(tiles);
                let plane = images * self.channels() * self.plane(rows);
                let (weights, outputs) = (filters * depth * tile, filters * tiles * tile);
                let mut work = MOVE * (blocks * y.tile * x.phases() * plane + weights + outputs);
                // The recursion's calls, those among them with a sum of weights, and the parts of those.
                let (mut calls, mut sums, mut part) = (1, 0, 1);
                self.steps(|step| {
                    let pairs = step.factor * (step.factor - 1) / 2;
                    work += SUM * (calls * step.factor * step.block * plane * blocks + sums * weights / part);
                    part *= step.factor;
                    work += SUM * calls * pairs * outputs / part;
                    sums = calls * pairs;
                    calls *= step.factor + pairs;
                });
                work += calls * depth * (filters * columns + SUM * (filters + blocks * columns));
                cost += count * parts * work;
            }
        }
        cost * self.groups
    }

    fn all_filters(&self) -> usize {
        self.w.shape()[0] / self.groups
    }

    /// The number of channels in a group, including those that a stride creates.
    fn channels(&self) -> usize {
        self.w.shape()[1] * self.axes[0].residues * self.axes[1].residues
    }

    /// The number of block rows kept for this number of tile rows. It is one more than is read: the phases of a column
    /// past its first block belong to a row below.
    fn height(&self, rows: usize) -> usize {
        self.axes[0].blocks(rows) + usize::from(self.axes[0].tile > 1)
    }

    /// The number of words in a channel's phase for this number of tile rows.
    fn plane(&self, rows: usize) -> usize {
        self.height(rows) * self.axes[1].blocks(self.axes[1].tiles)
    }

    /// The number of terms in a multiplication's sums.
    fn depth(&self) -> usize {
        self.channels() * self.axes[0].chunks * self.axes[1].chunks
    }

    /// Adds the convolution to `out`, or subtracts it.
    pub(super) fn run(&self, level: Level, out: &mut [u64], sign: Sign) {
        let mut tasks = self.tasks(out);
        let work = tasks.len() * self.filters * self.depth() * self.images * self.rows * self.axes[1].tiles;
        if tasks.len() > 1 && parallel::worthwhile(work) {
            tasks.par_iter_mut().for_each(|task| self.run_task(level, task, sign));
        } else {
            tasks.iter_mut().for_each(|task| self.run_task(level, task, sign));
        }
    }

    fn tasks<'o>(&self, out: &'o mut [u64]) -> Vec<Task<'o>> {
        let [y, x] = &self.axes;
        let (n, o, filters) = (self.x.shape()[0], self.w.shape()[0], self.all_filters());
        let mut tasks = Vec::new();
        for first in (0..n).step_by(self.images) {
            for group in 0..self.groups {
                for filter in (0..filters).step_by(self.filters) {
                    for row in (0..y.tiles).step_by(self.rows) {
                        let images = first..n.min(first + self.images);
                        let filters = filter..filters.min(filter + self.filters);
                        tasks.push(Task { images, group, filters, row, out: Vec::new() });
                    }
                }
            }
        }
        let row_parts = y.tiles.div_ceil(self.rows);
        let filter_parts = filters.div_ceil(self.filters);
        for (i, plane) in out.chunks_exact_mut(y.output * x.output).enumerate() {
            let (image, group, filter) =
                (i / o / self.images, i % o / filters, i % o % filters / self.filters);
            let first = ((image * self.groups + group) * filter_parts + filter) * row_parts;
            for (task, part) in tasks[first..].iter_mut().zip(plane.chunks_mut(self.rows * y.tile * x.output))
            {
                task.out.push(part);
            }
        }
        tasks
    }

    fn run_task(&self, level: Level, task: &mut Task, sign: Sign) {
        let [y, x] = &self.axes;
        let rows = self.rows.min(y.tiles - task.row);
        let [height, width] = [self.height(rows), x.blocks(x.tiles)];
        let channels = self.channels();
        let images = task.images.len();
        let plane = images * channels * height * width;
        let columns = images * rows * x.tiles;
        let dims = [task.filters.len(), columns, self.depth()];
        let tile = y.tile * x.tile;
        let mut steps = Vec::new();
        self.steps(|step| steps.push(step));

        let sizes = [plane * y.tile * x.phases(), dims[0] * dims[2] * tile, dims[0] * columns * tile];
        let mut scratch = 0;
        let mut parts = 1;
        for step in &steps {
            scratch += step.block * plane + if parts > 1 { sizes[1] / parts } else { 0 };
            parts *= step.factor;
            scratch += sizes[2] / parts;
        }
        let mut buffer = Scratch::take(sizes.iter().sum::<usize>() + scratch);
        let (inputs, rest) = buffer.words().split_at_mut(sizes[0]);
        let (weights, rest) = rest.split_at_mut(sizes[1]);
        let (products, scratch) = rest.split_at_mut(sizes[2]);
        self.gather_inputs(inputs, task, [height, width]);
        self.gather_weights(weights, task);
        let leaf = Leaf {
            level,
            plane,
            image: channels * height * width,
            input: [height, width],
            window: Window2d { stride: [y.step, x.step], ..Window2d::new([y.chunks, x.chunks]) },
            output: [rows, x.tiles],
            dims,
        };
        let phases: Vec<&[u64]> = pairs(y.phases(), x.phases())
            .map(|(phase_y, phase_x)| {
                let at = (phase_y % y.tile * x.phases() + phase_x) * plane;
                &inputs[at + phase_y / y.tile * width..at + plane]
            })
            .collect();
        leaf.multiply(&steps, &phases, &[weights], products, scratch);
        self.scatter(products, task, rows, sign);
        buffer.give_back();
    }

    /// The steps of the recursion, rows of tiles first.
    fn steps(&self, mut each: impl FnMut(Step)) {
        let [y, x] = &self.axes;
        for (axis, inner) in [(y, x.phases()), (x, 1)] {
            let mut tile = axis.tile;
            for &factor in factors(axis.tile) {
                tile /= factor;
                each(Step { factor, block: (2 * tile - 1) * inner, distance: tile * inner });
            }
        }
    }

    /// The elements of the tiles' matrices; vertically those of one block alone: (phase y, phase x, image, channel,
    /// residue y, residue x, block y, block x).
    fn gather_inputs(&self, inputs: &mut [u64], task: &Task, [height, width]: [usize; 2]) {
        let [y, x] = &self.axes;
        let &[_, c, h, w] = self.x.shape().as_array().expect("four axes");
        let channels = c / self.groups;
        let plane = inputs.len() / (y.tile * x.phases());
        // Each row holds the elements that the tiles read, between zeros. Every chunk with such an element is complete.
        let mut padded = vec![0; (width + 2) * x.tile * x.residues];
        let pad = x.pad.min(padded.len());
        let length = w.min(padded.len() - pad);
        let mut row = 0;
        for (image, channel) in pairs(task.images.len(), channels) {
            let from = (task.images.start + image) * c + task.group * channels + channel;
            let from = &self.x.data()[from * h * w..][..h * w];
            for residue_y in 0..y.residues {
                for (block, phase) in pairs(height, y.tile) {
                    let line = (task.row * y.step + block) * y.tile + phase;
                    let at = (line * y.residues + residue_y).wrapping_sub(y.pad);
                    let padded_row = &mut padded[pad..][..length];
                    if at < h {
                        padded_row.copy_from_slice(&from[at * w..][..length]);
                    } else {
                        padded_row.fill(0);
                    }
                    for residue in 0..x.residues {
                        let row = phase * x.phases() * plane + row + (residue * height + block) * width;
                        x.gather(&mut inputs[row..], plane, width, &padded, residue);
                    }
                }
                row += x.residues * height * width;
            }
        }
    }

    /// The taps: (phase y, phase x, filter, channel, residue y, residue x, chunk y, chunk x).
    fn gather_weights(&self, weights: &mut [u64], task: &Task) {
        let [y, x] = &self.axes;
        let filters = self.all_filters();
        let taps = y.kernel * x.kernel;
        let filter = self.w.len() / self.w.shape()[0];
        let depth = self.depth();
        let places = depth * taps / filter;
        for (i, to) in task.filters.clone().enumerate() {
            let from = &self.w.data()[(task.group * filters + to) * filter..][..filter];
            for (phase, (phase_y, phase_x)) in pairs(y.tile, x.tile).enumerate() {
                let to = &mut weights[(phase * task.filters.len() + i) * depth..][..depth];
                let residues = pairs(y.residues, x.residues);
                let all = residues
                    .flat_map(|residues| pairs(y.chunks, x.chunks).map(move |chunks| (residues, chunks)));
                for (place, (residues, chunks)) in all.enumerate() {
                    let to = to.chunks_exact_mut(places).map(|to| &mut to[place]);
                    let taps_yx =
                        (y.tap(chunks.0, phase_y, residues.0), x.tap(chunks.1, phase_x, residues.1));
                    if let (Some(tap_y), Some(tap_x)) = taps_yx {
                        let tap = tap_y * x.kernel + tap_x;
                        to.zip(from.chunks_exact(taps)).for_each(|(to, from)| *to = from[tap]);
                    } else {
                        to.for_each(|to| *to = 0);
                    }
                }
            }
        }
    }

    /// Adds `products` to the output or subtracts them: (phase y, phase x, filter, image, tile y, tile x).
    fn scatter(&self, products: &[u64], task: &mut Task, rows: usize, sign: Sign) {
        let [y, x] = &self.axes;
        let write = Write::from(sign);
        let images = task.images.len();
        let (filters, columns) = (task.filters.len(), images * rows * x.tiles);
        for (i, out) in task.out.iter_mut().enumerate() {
            let (image, filter) = (i / filters, i % filters);
            for (row, out) in out.chunks_exact_mut(x.output).enumerate() {
                let (tile, phase_y) = (row / y.tile, row % y.tile);
                for phase_x in 0..x.tile.min(x.output) {
                    let phase = phase_y * x.tile + phase_x;
                    let at = (phase * filters + filter) * columns + (image * rows + tile) * x.tiles;
                    let sums = &products[at..at + x.tiles];
                    let whole = out.chunks_exact_mut(x.tile).map(|out| &mut out[phase_x]);
                    for (out, &sum) in whole.zip(sums) {
                        *out = write.apply(*out, sum);
                    }
                    let last = (x.tiles - 1) * x.tile + phase_x;
                    if x.output % x.tile > phase_x {
                        out[last] = write.apply(out[last], sums[x.tiles - 1]);
                    }
                }
            }
        }
    }
}

impl Leaf {
    /// Writes to `y` the product of the matrix of `x`, phase by phase, with the sum of `w`.
    fn multiply(&self, steps: &[Step], x: &[&[u64]], w: &[&[u64]], y: &mut [u64], scratch: &mut [u64]) {
        let Some((step, inner)) = steps.split_first() else {
            let columns = Columns::new(x[0], self.image, self.input, self.window, self.output);
            return product_packed(self.level, y, w, &columns, self.dims, Write::Replace);
        };
        let (difference, scratch) = scratch.split_at_mut(step.block * self.plane);
        let (product, scratch) = scratch.split_at_mut(y.len() / step.factor);
        let (sum, scratch) = scratch.split_at_mut(if w.len() > 1 { w[0].len() } else { 0 });
        let w = if let &[a, b] = w {
            add(self.level, sum, a, b);
            &*sum
        } else {
            w[0]
        };
        let (weights, outputs) = (w.len() / step.factor, product.len());
        let input = |m: usize| &x[m * step.distance..][..step.block];
        let weight = |i: usize| &w[i * weights..][..weights];
        for i in 0..step.factor {
            for (phase, out) in difference.chunks_exact_mut(self.plane).enumerate() {
                let others = (0..step.factor).filter(|&j| j != i).map(|j| input(i + j)[phase]);
                subtract(self.level, out, input(2 * i)[phase], others);
            }
            let difference: Vec<&[u64]> = difference.chunks_exact(self.plane).collect();
            self.multiply(inner, &difference, &[weight(i)], &mut y[i * outputs..][..outputs], scratch);
        }
        for (i, j) in pairs(step.factor, step.factor).filter(|(i, j)| i < j) {
            self.multiply(inner, input(i + j), &[weight(i), weight(j)], product, scratch);
            let [first, second] = y
                .get_disjoint_mut([i, j].map(|i| i * outputs..(i + 1) * outputs))
                .expect("two blocks of the output");
            add_to_both(self.level, first, second, product);
        }
    }
}

/// `out = a − Σ others` for one or two others, over the shortest length.
fn subtract<'a>(level: Level, out: &mut [u64], a: &[u64], mut others: impl Iterator<Item = &'a [u64]>) {
    let (b, c) = (others.next().expect("factors are at least 2"), others.next());
    dispatch_at(
        level,
        #[inline(always)]
        || match c {
            None => {
                for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                    *out = a.wrapping_sub(b);
                }
            }
            Some(c) => {
                for (((out, &a), &b), &c) in out.iter_mut().zip(a).zip(b).zip(c) {
                    *out = a.wrapping_sub(b).wrapping_sub(c);
                }
            }
        },
    );
}

/// `out = a + b`
fn add(level: Level, out: &mut [u64], a: &[u64], b: &[u64]) {
    dispatch_at(
        level,
        #[inline(always)]
        || {
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out = a.wrapping_add(b);
            }
        },
    );
}

/// Adds `term` to both `a` and `b`.
fn add_to_both(level: Level, a: &mut [u64], b: &mut [u64], term: &[u64]) {
    dispatch_at(
        level,
        #[inline(always)]
        || {
            for ((a, b), &term) in a.iter_mut().zip(b).zip(term) {
                *a = a.wrapping_add(term);
                *b = b.wrapping_add(term);
            }
        },
    );
}

/// Splits `whole` into parts: the number of parts of each length, the given one and the remainder.
pub(super) fn parts(whole: usize, part: usize) -> impl Iterator<Item = (usize, usize)> {
    [(whole / part, part), (1, whole % part)].into_iter().filter(|&(count, part)| count * part > 0)
}

/// The number of columns in a product, rounded up to whole vectors.
pub(super) fn vectors(columns: usize) -> usize {
    columns.next_multiple_of(8)
}

/// All pairs of indices below `a` and `b`.
fn pairs(a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..a).flat_map(move |i| (0..b).map(move |j| (i, j)))
}
