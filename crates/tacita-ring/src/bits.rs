//! Bit-sliced tensors: one instruction serves 512 elements' bits.

use std::fmt;
use std::ops::Range;

/// Elements of a block of a [`BitTensor`].
pub const BLOCK_ELEMENTS: usize = 512;

/// Words of a plane of a full block.
const WIDTH: usize = BLOCK_ELEMENTS / 64;

/// `planes` bits for each of `elements` elements, bit-sliced.
///
/// Elements come in blocks of 512. A block holds its planes one after another, each of `w` words: 8, and in the
/// last block ceil(rest / 64). Element `e` of a block is bit `e % 64` of word `e / 64` of each plane. So plane `p`
/// of block `b` is words `w·p..w·(p+1)` of [`block(b)`](Self::block), and the same loop over words serves any
/// plane. Unused bits of the last word carry no meaning; [`mask_tail`](Self::mask_tail) clears them. Equality
/// ignores them.
///
/// It may hold shares, so [`Debug`](fmt::Debug) prints its size alone.
#[derive(Clone)]
pub struct BitTensor {
    elements: usize,
    planes: usize,
    words: Vec<u64>,
}

/// The number of words of `planes` bits for each of `elements` elements.
pub fn word_count(elements: usize, planes: usize) -> usize {
    planes * elements.div_ceil(64)
}

/// The first element and the words a plane of each block of `elements` elements.
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

impl BitTensor {
    /// All bits zero.
    pub fn zeros(elements: usize, planes: usize) -> Self {
        Self { elements, planes, words: vec![0; word_count(elements, planes)] }
    }

    /// The tensor of `words`, laid out as the type says.
    ///
    /// # Panics
    /// If there are not [`word_count`] words; the message names both numbers.
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

    /// The number of bits an element.
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// All words, block after block.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, to change in place.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// All words, without copying.
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

    /// The words of block `index`, to change in place.
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

    /// The planes of `range`, of all elements.
    ///
    /// # Panics
    /// If the range reaches beyond the planes.
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
    /// If there are no parts or their numbers of elements differ; the message names two.
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
        let mut bits = Self::zeros(x.len(), planes);
        for (element, &x) in x.iter().enumerate() {
            for plane in 0..planes {
                bits.set(element, plane, x >> plane & 1 == 1);
            }
        }
        bits
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
            crate::simd::dispatch(
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
