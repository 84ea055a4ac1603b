//! Walking bit-sliced buffers block by block.
//!
//! The layout is [`tacita_ring::BitTensor`]'s: blocks of 512 elements, in a block one plane after another, eight words
//! a plane, fewer in the last block.

use tacita_ring::simd::dispatch;

use crate::products::Lane;

/// Elements of a full block.
pub const BLOCK: usize = 512;
/// Blocks below which splitting among threads does not pay.
const SPLIT: usize = 64;

/// Words of `planes` planes over `elements` elements.
pub fn words(elements: usize, planes: usize) -> usize {
    elements.div_ceil(64) * planes
}

/// Calls `f` for every block with its planes as lanes: inputs, then outputs to fill. Each buffer comes with its number
/// of planes. A short last block is widened for `f` and cut again.
///
/// `f` must be `#[inline(always)]`: only then is it compiled for the instruction set that is chosen at run time.
pub fn for_each_block<const I: usize, const O: usize>(
    elements: usize,
    inputs: [(&[u64], usize); I],
    outputs: [(&mut [u64], usize); O],
    f: impl Fn([&[Lane]; I], [&mut [Lane]; O]) + Copy + Sync + Send,
) {
    for (buffer, planes) in &inputs {
        assert_eq!(buffer.len(), words(elements, *planes), "input of {planes} planes, {elements} elements");
    }
    for (buffer, planes) in &outputs {
        assert_eq!(buffer.len(), words(elements, *planes), "output of {planes} planes, {elements} elements");
    }
    split(elements, inputs, outputs, f);
}

fn split<const I: usize, const O: usize>(
    elements: usize,
    inputs: [(&[u64], usize); I],
    outputs: [(&mut [u64], usize); O],
    f: impl Fn([&[Lane]; I], [&mut [Lane]; O]) + Copy + Sync + Send,
) {
    let blocks = elements.div_ceil(BLOCK);
    if blocks < 2 * SPLIT || rayon::current_num_threads() == 1 {
        return dispatch(
            #[inline(always)]
            || walk(elements, inputs, outputs, f),
        );
    }
    let half = blocks / 2;
    let (mut low_in, mut high_in) = (inputs, inputs);
    for ((low, high), (buffer, planes)) in low_in.iter_mut().zip(&mut high_in).zip(inputs) {
        let (a, b) = buffer.split_at(half * 8 * planes);
        (*low, *high) = ((a, planes), (b, planes));
    }
    let mut high_out = Vec::with_capacity(O);
    let low_out = outputs.map(|(buffer, planes)| {
        let (a, b) = buffer.split_at_mut(half * 8 * planes);
        high_out.push((b, planes));
        (a, planes)
    });
    let mut high_out = high_out.into_iter();
    let high_out: [(&mut [u64], usize); O] = std::array::from_fn(|_| high_out.next().unwrap_or((&mut [], 0)));
    rayon::join(
        || split(half * BLOCK, low_in, low_out, f),
        || split(elements - half * BLOCK, high_in, high_out, f),
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
        let mut wide: [Vec<Lane>; O] = std::array::from_fn(|o| vec![[0; 8]; outputs[o].1]);
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
