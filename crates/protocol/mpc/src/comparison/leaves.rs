//! Leaves of a comparison: two to four bits of both numbers, compared without communication.

use std::ops::Range;

use tacita_correlations::{Lane, and, xor};

use super::level::Nodes;

/// Bits `low..high` of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    low: usize,
    high: usize,
}

impl Span {
    /// # Panics
    /// If the bits are none or more than 64.
    pub fn new(low: usize, high: usize) -> Span {
        assert!(low < high && high <= 64, "bits {low} to {high}");
        Span { low, high }
    }
}

/// A span in leaves of so many bits, two to four, from the lowest on, the last with what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaves {
    pub span: Span,
    pub size: usize,
}

impl Leaves {
    /// How many leaves.
    pub fn count(self) -> usize {
        (self.span.high - self.span.low).div_ceil(self.size)
    }

    /// Those that `part` has, if it begins at one and ends where they do.
    pub fn part(self, part: Span) -> Option<Leaves> {
        let begins = part.low.checked_sub(self.span.low)?.is_multiple_of(self.size);
        (begins && part.high == self.span.high).then_some(Leaves { span: part, ..self })
    }

    /// The bits of leaf `i`.
    fn leaf(self, i: usize) -> Range<usize> {
        let start = self.span.low + self.size * i;
        start..(start + self.size).min(self.span.high)
    }

    /// Planes dealt: all products of a leaf's bits, leaf by leaf.
    pub fn dealt(self) -> usize {
        self.offset(self.count())
    }

    /// Where the products of leaf `i` begin.
    fn offset(self, i: usize) -> usize {
        (0..i).map(|i| (1 << self.leaf(i).len()) - 1).sum()
    }

    /// For each dealt plane the bits of the mask that it multiplies, in a word: leaf by leaf all sets of the leaf's bits.
    pub fn sets(self) -> impl Iterator<Item = u64> {
        (0..self.count()).flat_map(move |i| {
            let bits = self.leaf(i);
            (1..1u64 << bits.len()).map(move |set| set << bits.start)
        })
    }

    /// A party's shares of `part` of the leaves, from the 64 public planes of c and its shares of the dealt planes of `self`.
    #[inline(always)]
    pub fn evaluate(self, part: Leaves, first: bool, c: &[Lane], dealt: &[Lane], mut nodes: Nodes<'_>) {
        let mut next = self.offset(self.count() - part.count());
        for i in 0..part.count() {
            let bits = part.leaf(i);
            let full = (1usize << bits.len()) - 1;
            let products = &dealt[next..next + full];
            next += full;
            let c = &c[bits];
            // one length each, so that the loops are unrolled
            let (lt, eq) = match full {
                15 => leaf::<4>(first, c, products, i > 0),
                7 => leaf::<3>(first, c, products, i > 0),
                3 => leaf::<2>(first, c, products, i > 0),
                _ => leaf::<1>(first, c, products, i > 0),
            };
            nodes.push(&lt, &eq);
        }
    }
}

/// (lt, eq) of a leaf of B bits; eq only if it is wanted.
#[inline(always)]
fn leaf<const B: usize>(first: bool, c: &[Lane], m: &[Lane], wants_eq: bool) -> (Lane, Lane) {
    let full = (1usize << B) - 1;
    // inverse[q]: the product over the bits i of q of ¬c_i
    let mut inverse = [[u64::MAX; 8]; 16];
    for q in 1..=full {
        let bit = &c[q.trailing_zeros() as usize];
        let rest = inverse[q & (q - 1)];
        inverse[q] = std::array::from_fn(|i| rest[i] & !bit[i]);
    }
    // lt = ⊕_j ¬c_j r_j Π_{i>j} (¬c_i ⊕ r_i)
    let mut lt = [0u64; 8];
    for j in 0..B {
        let above = full & !((2 << j) - 1);
        let mut s = above;
        loop {
            let q = (above & !s) | 1 << j;
            lt = xor(&lt, &and(&inverse[q], &m[(s | 1 << j) - 1]));
            if s == 0 {
                break;
            }
            s = (s - 1) & above;
        }
    }
    let mut eq = [0; 8];
    if wants_eq {
        // eq = Π_i (¬c_i ⊕ r_i)
        if first {
            eq = inverse[full];
        }
        for s in 1..=full {
            eq = xor(&eq, &and(&inverse[full & !s], &m[s - 1]));
        }
    }
    (lt, eq)
}
