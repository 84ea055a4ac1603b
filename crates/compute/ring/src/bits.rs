//! Bit-sliced tensors: one instruction processes the bits of 512 elements.

mod transpose;
#[cfg(target_arch = "x86_64")]
mod transpose_avx512;

use std::fmt;
use std::ops::Range;

use rayon::prelude::*;

use crate::parallel;
use crate::simd::{Level, dispatch};

/// The number of elements in a full block of a [`BitTensor`].
pub const BLOCK_ELEMENTS: usize = 512;

/// The number of words in a plane of a full block.
const WIDTH: usize = BLOCK_ELEMENTS / 64;

/// `planes` bits for each of `elements` elements, bit-sliced.
///
/// Elements form blocks of 512. A block holds its planes one after another, each of `w` words: 8, and in the last block
/// ceil(rest / 64). Element `e` of a block is bit `e % 64` of word `e / 64` of each plane. So plane `p` of block `b` is
/// words `w·p..w·(p+1)` of [`block(b)`](Self::block), and the same loop over words serves any plane. Unused bits of the
/// last word have no meaning: [`mask_tail`](Self::mask_tail) clears them, and equality ignores them.
///
/// A tensor may hold shares, so [`Debug`](fmt::Debug) prints its size alone.
#[derive(Clone)]
pub struct BitTensor {
    elements: usize,
    planes: usize,
    words: Vec<u64>,
}

/// The number of words that store `planes` bits for each of `elements` elements.
pub fn word_count(elements: usize, planes: usize) -> usize {
    planes * elements.div_ceil(64)
}

/// For each block of `elements` elements: its first element, and the number of words in a plane.
///
/// ```
/// let blocks: Vec<_> = tacita_ring::block_layout(600).collect();
/// assert_eq!(blocks, [(0, 8), (512, 2)]);
/// ```
pub fn block_layout(elements: usize) -> impl ExactSizeIterator<Item = (usize, usize)> + Clone {
    (0..elements.div_ceil(BLOCK_ELEMENTS)).map(move |block| {
        let first = block * BLOCK_ELEMENTS;
        (first, (elements - first).min(BLOCK_ELEMENTS).div_ceil(64))
    })
}

/// The number of elements that a thread transposes at a time: whole blocks, or all elements if they are few or there is
/// one thread.
fn chunk(elements: usize) -> usize {
    if parallel::worthwhile(elements) {
        parallel::chunk(elements).next_multiple_of(BLOCK_ELEMENTS)
    } else {
        elements.next_multiple_of(BLOCK_ELEMENTS).max(BLOCK_ELEMENTS)
    }
}

impl BitTensor {
    /// All bits zero.
    pub fn zeros(elements: usize, planes: usize) -> Self {
        Self { elements, planes, words: vec![0; word_count(elements, planes)] }
    }

    /// The tensor of `words`, in the layout of this type.
    ///
    /// # Panics
    /// If the number of words differs from [`word_count`]; the message names both.
    pub fn from_words(elements: usize, planes: usize, words: Vec<u64>) -> Self {
        assert_eq!(
            words.len(),
            word_count(elements, planes),
            "{planes} planes of {elements} elements have {} words, but {} were given",
            word_count(elements, planes),
            words.len()
        );
        Self { elements, planes, words }
    }

    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// The number of bits for each element.
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// All words, block after block.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, mutable.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Returns all words, without copying.
    pub fn into_words(self) -> Vec<u64> {
        self.words
    }

    /// The number of blocks.
    pub fn block_count(&self) -> usize {
        self.elements.div_ceil(BLOCK_ELEMENTS)
    }

    /// The words of block `index`, plane after plane.
    ///
    /// # Panics
    /// If there is no such block.
    pub fn block(&self, index: usize) -> &[u64] {
        &self.words[self.block_range(index)]
    }

    /// The words of block `index`, mutable.
    ///
    /// # Panics
    /// If there is no such block.
    pub fn block_mut(&mut self, index: usize) -> &mut [u64] {
        let range = self.block_range(index);
        &mut self.words[range]
    }

    fn block_range(&self, index: usize) -> Range<usize> {
        assert!(index < self.block_count(), "block {index} of {} is out of range", self.block_count());
        let full = WIDTH * self.planes;
        index * full..((index + 1) * full).min(self.words.len())
    }

    /// Bit `plane` of `element`.
    ///
    /// # Panics
    /// If either is out of range.
    pub fn get(&self, element: usize, plane: usize) -> bool {
        let (word, bit) = self.position(element, plane);
        self.words[word] >> bit & 1 == 1
    }

    /// Sets bit `plane` of `element`.
    ///
    /// # Panics
    /// If either is out of range.
    pub fn set(&mut self, element: usize, plane: usize, value: bool) {
        let (word, bit) = self.position(element, plane);
        self.words[word] = self.words[word] & !(1 << bit) | u64::from(value) << bit;
    }

    fn position(&self, element: usize, plane: usize) -> (usize, usize) {
        assert!(
            element < self.elements && plane < self.planes,
            "bit {plane} of element {element} lies outside {self:?}"
        );
        let block = element / BLOCK_ELEMENTS;
        let width = (self.elements - block * BLOCK_ELEMENTS).min(BLOCK_ELEMENTS).div_ceil(64);
        let within = element % BLOCK_ELEMENTS;
        (block * WIDTH * self.planes + plane * width + within / 64, within % 64)
    }

    /// Combines `other` into `self` by exclusive or.
    ///
    /// # Panics
    /// If the sizes differ; the message names both.
    pub fn xor_assign(&mut self, other: &Self) {
        assert!(
            (self.elements, self.planes) == (other.elements, other.planes),
            "cannot combine {self:?} and {other:?}"
        );
        crate::elementwise::zip_assign(&mut self.words, &other.words, |x, y| x ^ y);
    }

    /// Complements every bit.
    pub fn not(&mut self) {
        crate::elementwise::map_assign(&mut self.words, |x| !x);
    }

    /// Clears the unused bits of the last word of each plane of the last block.
    pub fn mask_tail(&mut self) {
        if self.elements.is_multiple_of(64) {
            return;
        }
        let mask = (1 << (self.elements % 64)) - 1;
        let width = (self.elements % BLOCK_ELEMENTS).div_ceil(64);
        let last = self.block_count() - 1;
        for plane in self.block_mut(last).chunks_exact_mut(width) {
            plane[width - 1] &= mask;
        }
    }

    /// The planes of `range`, for all elements.
    ///
    /// # Panics
    /// If the range exceeds the planes.
    pub fn slice_planes(&self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= self.planes,
            "planes {range:?} lie outside {self:?}"
        );
        let mut words = Vec::with_capacity(word_count(self.elements, range.len()));
        for (index, (_, width)) in block_layout(self.elements).enumerate() {
            words.extend_from_slice(&self.block(index)[range.start * width..range.end * width]);
        }
        Self::from_words(self.elements, range.len(), words)
    }

    /// The planes of all `parts`, one after another.
    ///
    /// # Panics
    /// If there are no parts, or the parts have different numbers of elements; the message names two.
    pub fn concat_planes(parts: &[&Self]) -> Self {
        let first = parts.first().expect("cannot concatenate no bit tensors");
        for part in parts {
            assert!(
                part.elements == first.elements,
                "cannot concatenate the planes of {first:?} and {part:?}"
            );
        }
        let planes = parts.iter().map(|part| part.planes).sum();
        let mut words = Vec::with_capacity(word_count(first.elements, planes));
        for index in 0..first.block_count() {
            for part in parts {
                words.extend_from_slice(part.block(index));
            }
        }
        Self::from_words(first.elements, planes, words)
    }

    /// The 64 bits of each ring element: plane `i` is bit `i`.
    pub fn from_ring(x: &[u64]) -> Self {
        Self::from_ring_low(x, 64)
    }

    /// The low `planes` bits of each ring element: plane `i` is bit `i`.
    ///
    /// # Panics
    /// If `planes` is above 64.
    pub fn from_ring_low(x: &[u64], planes: usize) -> Self {
        assert!(planes <= 64, "a ring element has 64 bits, not {planes}");
        Self::from_ring_at(Level::current(), x, planes)
    }

    fn from_ring_at(level: Level, x: &[u64], planes: usize) -> Self {
        let mut words = vec![0; word_count(x.len(), planes)];
        if planes > 0 {
            let (elements, size) = (chunk(x.len()), chunk(x.len()) / 64 * planes);
            words
                .par_chunks_mut(size)
                .zip(x.par_chunks(elements))
                .for_each(|(words, x)| transpose::transpose(level, x, planes, words));
        }
        Self { elements: x.len(), planes, words }
    }

    /// Bit `plane` of each element, as 0 or 1.
    ///
    /// # Panics
    /// If there is no such plane.
    pub fn to_ring(&self, plane: usize) -> Vec<u64> {
        assert!(plane < self.planes, "plane {plane} lies outside {self:?}");
        let mut out = vec![0; self.elements];
        for (block, out) in out.chunks_mut(BLOCK_ELEMENTS).enumerate() {
            let width = out.len().div_ceil(64);
            let words = &self.words[block * WIDTH * self.planes + plane * width..][..width];
            dispatch(
                #[inline(always)]
                || {
                    for (out, &word) in out.chunks_mut(64).zip(words) {
                        for (i, out) in out.iter_mut().enumerate() {
                            *out = word >> i & 1;
                        }
                    }
                },
            );
        }
        out
    }
}

impl PartialEq for BitTensor {
    fn eq(&self, other: &Self) -> bool {
        let masked = |bits: &Self| {
            let mut bits = bits.clone();
            bits.mask_tail();
            bits.words
        };
        (self.elements, self.planes) == (other.elements, other.planes) && masked(self) == masked(other)
    }
}

impl Eq for BitTensor {}

impl fmt::Debug for BitTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BitTensor({} elements, {} planes)", self.elements, self.planes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn random(elements: usize, planes: usize, seed: u64) -> BitTensor {
        BitTensor::from_words(elements, planes, crate::test_data(word_count(elements, planes), seed))
    }

    #[test]
    fn words_lie_where_the_layout_says() {
        let mut bits = BitTensor::zeros(600, 3);
        bits.set(511, 2, true);
        bits.set(512, 1, true);
        bits.set(599, 0, true);
        let mut words = vec![0; 30];
        words[2 * 8 + 7] = 1 << 63;
        words[24 + 2] = 1;
        words[24 + 1] = 1 << (599 - 512 - 64);
        assert_eq!(bits.words(), words);
        assert_eq!((bits.block(0).len(), bits.block(1).len()), (24, 6));
        assert_eq!(format!("{bits:?}"), "BitTensor(600 elements, 3 planes)");
    }

    #[test]
    fn large_tensors_are_transposed_in_parallel() {
        let x = crate::test_data(300_000, 4);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let parallel = pool.install(|| BitTensor::from_ring_low(&x, 40));
        for element in (0..x.len()).step_by(37) {
            for plane in 0..40 {
                assert_eq!(parallel.get(element, plane), x[element] >> plane & 1 == 1);
            }
        }
    }

    proptest! {
        #[test]
        fn transposition_is_exact(elements in 0usize..1300, planes in 0usize..=64, seed: u64) {
            let x = crate::test_data(elements, seed);
            for level in Level::supported() {
                let bits = BitTensor::from_ring_at(level, &x, planes);
                for (element, x) in x.iter().enumerate() {
                    let got = (0..planes).fold(0, |got, plane| got | u64::from(bits.get(element, plane)) << plane);
                    prop_assert_eq!(got, if planes == 64 { *x } else { x & ((1 << planes) - 1) });
                }
                // Unused bits are zero.
                let mut masked = bits.clone();
                masked.mask_tail();
                prop_assert_eq!(bits.words(), masked.words());
            }
            if planes > 0 {
                let bits = BitTensor::from_ring_low(&x, planes);
                let top: Vec<u64> = x.iter().map(|x| x >> (planes - 1) & 1).collect();
                prop_assert_eq!(bits.to_ring(planes - 1), top);
            }
        }

        #[test]
        fn planes_slice_and_concatenate(elements in 0usize..1300, planes in 0usize..9, cut in 0usize..9, seed: u64) {
            let bits = random(elements, planes, seed);
            let cut = cut.min(planes);
            let parts = [bits.slice_planes(0..cut), bits.slice_planes(cut..planes)];
            for (element, plane) in (0..elements).step_by(61).flat_map(|e| (cut..planes).map(move |p| (e, p))) {
                prop_assert_eq!(parts[1].get(element, plane - cut), bits.get(element, plane));
            }
            prop_assert_eq!(BitTensor::concat_planes(&[&parts[0], &parts[1]]), bits);
        }

        #[test]
        fn logic_and_equality_ignore_unused_bits(elements in 1usize..1300, planes in 1usize..5, seed: u64) {
            let x = random(elements, planes, seed);
            let mut y = x.clone();
            y.mask_tail();
            prop_assert_eq!(&x, &y);
            y.not();
            prop_assert_ne!(&x, &y);
            y.xor_assign(&x);
            let mut ones = BitTensor::zeros(elements, planes);
            ones.not();
            prop_assert_eq!(y, ones);
        }
    }
}
