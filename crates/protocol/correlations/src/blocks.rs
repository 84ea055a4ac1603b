//! Walking bit-sliced buffers block by block.
//!
//! The layout is [`tacita_ring::BitTensor`]'s: blocks of 512 elements, in a block one plane after another, eight words
//! a plane, fewer in the last block.

use std::ops::Range;

use tacita_ring::simd::dispatch;

use crate::error::CorrelationError;

/// Eight words, that is one bit plane of a block of 512 elements: one AVX-512 register.
pub type Lane = [u64; 8];

/// Lane-wise AND.
#[inline(always)]
pub fn and(a: &Lane, b: &Lane) -> Lane {
    std::array::from_fn(|i| a[i] & b[i])
}

/// Lane-wise XOR.
#[inline(always)]
pub fn xor(a: &Lane, b: &Lane) -> Lane {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// Elements of a full block.
pub const BLOCK: usize = 512;
/// Elements of a tile, whole blocks: what a comparison touches for one (planes, masks, dealt planes) fits a core's
/// cache, so that masks are used where they are generated.
const TILE: usize = 32 * BLOCK;

/// The size of what a buffer holds for each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// This many bit planes.
    Planes(usize),
    /// A word.
    Word,
    /// A part of a word of so many bits, a divisor of 64.
    Narrow(usize),
    /// This many words.
    Words(usize),
}

impl Unit {
    /// The words that a range of elements takes; it starts at a block and ends at one or at the end.
    pub fn words(self, range: &Range<usize>) -> Range<usize> {
        match self {
            Unit::Planes(planes) => {
                let start = range.start / 64 * planes;
                start..start + words(range.len(), planes)
            }
            Unit::Word => range.clone(),
            Unit::Narrow(bits) => {
                let start = range.start / (64 / bits);
                start..start + range.len().div_ceil(64 / bits)
            }
            Unit::Words(count) => range.start * count..range.end * count,
        }
    }
}

/// Calls `f` for every tile with its range of elements and its part of each output, on the pool's threads if it has
/// several.
///
/// # Errors
/// An error of `f`.
pub fn for_each_tile<const O: usize>(
    elements: usize,
    outputs: [(&mut [u64], Unit); O],
    f: &(impl Fn(Range<usize>, [&mut [u64]; O]) -> Result<(), CorrelationError> + Sync),
) -> Result<(), CorrelationError> {
    halve(0..elements, outputs, f)
}

fn halve<const O: usize>(
    range: Range<usize>,
    outputs: [(&mut [u64], Unit); O],
    f: &(impl Fn(Range<usize>, [&mut [u64]; O]) -> Result<(), CorrelationError> + Sync),
) -> Result<(), CorrelationError> {
    let tiles = range.len().div_ceil(TILE);
    if tiles < 2 {
        return f(range, outputs.map(|(buffer, _)| buffer));
    }
    let middle = tiles / 2 * TILE;
    let mut high = Vec::with_capacity(O);
    let low = outputs.map(|(buffer, unit)| {
        let (a, b) = buffer.split_at_mut(unit.words(&(0..middle)).end);
        high.push((b, unit));
        (a, unit)
    });
    let mut high = high.into_iter();
    let high = std::array::from_fn(|_| high.next().unwrap_or((&mut [], Unit::Word)));
    let (first, second) = (range.start..range.start + middle, range.start + middle..range.end);
    if rayon::current_num_threads() == 1 {
        halve(first, low, f)?;
        return halve(second, high, f);
    }
    let (a, b) = rayon::join(|| halve(first, low, f), || halve(second, high, f));
    a.and(b)
}

/// Words of `planes` planes over `elements` elements.
pub fn words(elements: usize, planes: usize) -> usize {
    elements.div_ceil(64) * planes
}

/// Calls `f` for every block with its planes as lanes: inputs, then outputs to fill or update. Each buffer comes with its number
/// of planes. A short last block is widened for `f` and cut again.
///
/// `f` must be `#[inline(always)]`: only then is it compiled for the instruction set that is chosen at run time.
///
/// # Panics
/// If a buffer has not the words of its planes.
pub fn for_each_block<const I: usize, const O: usize>(
    elements: usize,
    inputs: [(&[u64], usize); I],
    outputs: [(&mut [u64], usize); O],
    f: impl Fn([&[Lane]; I], [&mut [Lane]; O]),
) {
    for (buffer, planes) in &inputs {
        assert_eq!(buffer.len(), words(elements, *planes), "input of {planes} planes, {elements} elements");
    }
    for (buffer, planes) in &outputs {
        assert_eq!(buffer.len(), words(elements, *planes), "output of {planes} planes, {elements} elements");
    }
    dispatch(
        #[inline(always)]
        || walk(elements, inputs, outputs, f),
    );
}

#[inline(always)]
fn walk<const I: usize, const O: usize>(
    elements: usize,
    inputs: [(&[u64], usize); I],
    mut outputs: [(&mut [u64], usize); O],
    f: impl Fn([&[Lane]; I], [&mut [Lane]; O]),
) {
    let full = elements / BLOCK;
    let input_lanes = inputs.map(|(buffer, planes)| {
        let (lanes, _) = buffer[..full * 8 * planes].as_chunks::<8>();
        lanes
    });
    for b in 0..full {
        let ins: [&[Lane]; I] = std::array::from_fn(|i| {
            let planes = inputs[i].1;
            &input_lanes[i][b * planes..(b + 1) * planes]
        });
        let outs: [&mut [Lane]; O] = outputs.each_mut().map(|(buffer, planes)| {
            let (lanes, _) = buffer[b * 8 * *planes..(b + 1) * 8 * *planes].as_chunks_mut::<8>();
            lanes
        });
        f(ins, outs);
    }
    let rest = (elements % BLOCK).div_ceil(64);
    if rest > 0 {
        let widened: [Vec<Lane>; I] = std::array::from_fn(|i| {
            let (buffer, planes) = inputs[i];
            buffer[full * 8 * planes..].chunks_exact(rest).map(widen).collect()
        });
        let mut wide: [Vec<Lane>; O] = std::array::from_fn(|o| {
            let (buffer, planes) = &outputs[o];
            buffer[full * 8 * planes..].chunks_exact(rest).map(widen).collect()
        });
        f(widened.each_ref().map(|lanes| &lanes[..]), wide.each_mut().map(|lanes| &mut lanes[..]));
        for ((buffer, planes), lanes) in outputs.iter_mut().zip(&wide) {
            let tail = &mut buffer[full * 8 * *planes..];
            for (words, lane) in tail.chunks_exact_mut(rest).zip(lanes) {
                words.copy_from_slice(&lane[..rest]);
            }
        }
    }
}

fn widen(words: &[u64]) -> Lane {
    let mut lane = [0; 8];
    lane[..words.len()].copy_from_slice(words);
    lane
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_element_once() {
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for elements in [1, 512, TILE, TILE + 1, 3 * TILE + 777] {
                let (mut planes, mut ring) = (vec![0; words(elements, 3)], vec![0; elements]);
                let outputs = [(&mut planes[..], Unit::Planes(3)), (&mut ring[..], Unit::Word)];
                let done = pool.install(|| {
                    for_each_tile(elements, outputs, &|range, [planes, ring]| {
                        assert_eq!(planes.len(), words(range.len(), 3));
                        planes.iter_mut().for_each(|p| *p += 1);
                        ring.iter_mut().zip(range).for_each(|(r, e)| *r += e as u64 + 1);
                        Ok(())
                    })
                });
                assert!(done.is_ok() && planes.iter().all(|&p| p == 1));
                assert!(ring.iter().zip(1..).all(|(&r, e)| r == e));
            }
        }
    }

    #[test]
    fn every_word_is_visited_once_with_a_short_last_block() {
        for elements in [1, 63, 64, 65, 511, 512, 513, 1300, 200 * 512 + 70] {
            let input: Vec<u64> = (0..words(elements, 3) as u64).collect();
            let mut sum = vec![0; words(elements, 1)];
            for_each_block(elements, [(&input, 3)], [(&mut sum, 1)], |[x], [y]| {
                for i in 0..8 {
                    y[0][i] = x[0][i] ^ x[1][i] ^ x[2][i];
                }
            });
            let mut want = Vec::new();
            let mut at = 0;
            for block in 0..elements.div_ceil(BLOCK) {
                let w = (elements - block * BLOCK).min(BLOCK).div_ceil(64);
                want.extend((0..w).map(|i| input[at + i] ^ input[at + w + i] ^ input[at + 2 * w + i]));
                at += 3 * w;
            }
            assert_eq!(sum, want, "{elements} elements");
        }
    }
}
