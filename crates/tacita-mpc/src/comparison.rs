//! The comparison of a public number with a mask, bit-sliced: `[c < r]` for some bits `low..high` of `c` (public) and `r`
//! (the dealer's).
//!
//! Leaves of 4 bits need no communication: with all products of a leaf's bits of r dealt, `lt` and `eq` are linear
//! in shares. A tree of arity 4 then combines up to 16 leaves in at most two levels, each of which opens masked (lt, eq)
//! bits once and takes products of the mask bits from the dealer (Rabbit, ePrint 2021/119, for the masked opening;
//! dealer-assisted fan-in as in arXiv 2602.19604). Comparisons of several public numbers with one mask share the leaves'
//! dealt products.
//!
//! Everything works on blocks of 512 elements, a plane of which is a [`Lane`].

use std::ops::Range;
use std::sync::LazyLock;

use crate::products::{Lane, Products, and, xor};

/// Bits of a leaf.
const LEAF: usize = 4;
/// Leaves of a group.
const ARITY: usize = 4;

/// Bits `low..high` of a word, in leaves of four from `low` on, the last with what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    low: usize,
    high: usize,
}

impl Span {
    /// # Panics
    /// If the bits are none or more than 64, or do not begin at a leaf.
    pub fn new(low: usize, high: usize) -> Span {
        assert!(low < high && high <= 64 && low.is_multiple_of(LEAF), "bits {low} to {high}");
        Span { low, high }
    }

    /// How many leaves.
    fn leaves(self) -> usize {
        (self.high - self.low).div_ceil(LEAF)
    }

    /// The bits of leaf `i`.
    fn leaf(self, i: usize) -> Range<usize> {
        let start = self.low + LEAF * i;
        start..(start + LEAF).min(self.high)
    }

    /// Planes dealt for the leaves: all products of a leaf's bits, leaf by leaf.
    pub fn dealt(self) -> usize {
        self.offset(self.leaves())
    }

    /// Where the products of leaf `i` begin.
    fn offset(self, i: usize) -> usize {
        (0..i).map(|i| (1 << self.leaf(i).len()) - 1).sum()
    }

    /// The dealer's planes for the leaves, from the 64 planes of the mask.
    #[inline(always)]
    pub fn deal(self, r: &[Lane], out: &mut [Lane]) {
        let mut next = 0;
        for i in 0..self.leaves() {
            let bits = self.leaf(i);
            for set in 1..1usize << bits.len() {
                let lowest = set.trailing_zeros() as usize;
                let rest = set & (set - 1);
                let bit = r[bits.start + lowest];
                out[next + set - 1] = if rest == 0 { bit } else { and(&out[next + rest - 1], &bit) };
            }
            next += (1 << bits.len()) - 1;
        }
    }

    /// A party's shares of the (lt, eq) of the leaves of `part`, which is a span of the same end: `lt` of the first leaf,
    /// then (lt, eq) of each further one. From the 64 public planes of c and its shares of the dealt planes of `self`.
    #[inline(always)]
    pub fn evaluate(self, part: Span, first: bool, c: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
        let skipped = (part.low - self.low) / LEAF;
        let mut next = self.offset(skipped);
        for i in 0..part.leaves() {
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
            if i == 0 {
                out[0] = lt;
            } else {
                out[2 * i - 1] = lt;
                out[2 * i] = eq;
            }
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

/// Combines k nodes of which the lowest needs no `eq`: wires lt0, lt1, eq1, …; output lt.
static LOWEST: LazyLock<[Products; ARITY - 1]> = LazyLock::new(|| {
    [2, 3, 4].map(|k| {
        let lt = (0..k).map(|j| {
            let own = if j == 0 { 0 } else { 2 * j - 1 };
            std::iter::once(own).chain((j + 1..k).map(|i| 2 * i)).collect()
        });
        Products::new(2 * k - 1, &[lt.collect()])
    })
});
/// Combines k nodes: wires lt0, eq0, lt1, eq1, …; outputs lt, eq.
static INNER: LazyLock<[Products; ARITY - 1]> = LazyLock::new(|| {
    [2, 3, 4].map(|k| {
        let eqs = |from: usize| (from..k).map(|i| 2 * i + 1);
        let lt = (0..k).map(|j| std::iter::once(2 * j).chain(eqs(j + 1)).collect());
        Products::new(2 * k, &[lt.collect(), vec![eqs(0).collect()]])
    })
});

/// One level of a comparison's tree: nodes in groups of two to four, from the lowest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level(Vec<usize>);

impl Level {
    /// The levels above so many leaves; none if there is one leaf. Of two levels the first has as many groups as make the
    /// planes fewest that are sent: those dealt, and those that two parties open.
    ///
    /// # Panics
    /// If more than two levels are needed.
    pub fn all(span: Span) -> Vec<Level> {
        let leaves = span.leaves();
        match leaves {
            1 => return vec![],
            2..=ARITY => return vec![Level::new(leaves, 1)],
            _ => assert!(leaves <= ARITY * ARITY, "{span:?}"),
        }
        let groups = leaves.div_ceil(ARITY)..=(leaves / 2).min(ARITY);
        let trees = groups.map(|groups| vec![Level::new(leaves, groups), Level::new(groups, 1)]);
        let sent =
            |levels: &Vec<Level>| levels.iter().map(|level| level.dealt() + 2 * level.wires()).sum::<usize>();
        trees.min_by_key(sent).unwrap_or_default()
    }

    /// So many nodes in as many groups, the lowest the largest.
    fn new(nodes: usize, groups: usize) -> Level {
        Level((0..groups).map(|g| (nodes + g) / groups).rev().collect())
    }

    /// Planes opened: `lt` of the lowest node, (lt, eq) of each other.
    pub fn wires(&self) -> usize {
        2 * self.0.iter().sum::<usize>() - 1
    }

    /// Planes that it results in, in the same order.
    pub fn results(&self) -> usize {
        2 * self.0.len() - 1
    }

    /// The groups with where their wires, dealt planes and results begin.
    fn groups(&self) -> impl Iterator<Item = (&'static Products, usize, usize, usize)> + '_ {
        let (mut wire, mut dealt, mut result) = (0, 0, 0);
        self.0.iter().enumerate().map(move |(g, &size)| {
            let (products, wires, results) =
                if g == 0 { (&LOWEST[size - 2], 2 * size - 1, 1) } else { (&INNER[size - 2], 2 * size, 2) };
            let at = (products, wire, dealt, result);
            wire += wires;
            dealt += products.dealt();
            result += results;
            at
        })
    }

    /// Planes dealt.
    pub fn dealt(&self) -> usize {
        self.groups().map(|(products, ..)| products.dealt()).sum()
    }

    /// The dealer's planes, from the planes of its masks of the wires.
    #[inline(always)]
    pub fn deal(&self, lambda: &[Lane], out: &mut [Lane]) {
        for (products, wire, dealt, _) in self.groups() {
            products.deal(&lambda[wire..], &mut out[dealt..dealt + products.dealt()]);
        }
    }

    /// A party's shares of the results, from the opened planes and its shares of the masks and dealt planes.
    #[inline(always)]
    pub fn evaluate(&self, first: bool, public: &[Lane], lambda: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
        for (products, wire, start, result) in self.groups() {
            let results = if result == 0 { 1 } else { 2 };
            let out = &mut out[result..result + results];
            products.evaluate(first, &public[wire..], &lambda[wire..], &dealt[start..], out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits planes into two XOR shares by a fixed pattern.
    fn split(planes: &[Lane]) -> (Vec<Lane>, Vec<Lane>) {
        let one: Vec<Lane> = (0..planes.len() as u64)
            .map(|i| std::array::from_fn(|j| (i * 8 + j as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect();
        let two = planes.iter().zip(&one).map(|(p, o)| xor(p, o)).collect();
        (one, two)
    }

    fn planes(values: &[u64; 512]) -> Vec<Lane> {
        let mut out = vec![[0u64; 8]; 64];
        for (e, v) in values.iter().enumerate() {
            for (p, plane) in out.iter_mut().enumerate() {
                plane[e / 64] |= (v >> p & 1) << (e % 64);
            }
        }
        out
    }

    fn compare(whole: Span, part: Span, c: &[u64; 512], r: &[u64; 512]) -> Vec<Lane> {
        let (cp, rp) = (planes(c), planes(r));
        let mut dealt = vec![[0; 8]; whole.dealt()];
        whole.deal(&rp, &mut dealt);
        let mut shares: [(Vec<Lane>, Vec<Lane>); 2] = <[_; 2]>::from(split(&dealt)).map(|dealt| {
            let wires = vec![[0; 8]; 2 * part.leaves() - 1];
            (wires, dealt)
        });
        for (first, (wires, dealt)) in [true, false].into_iter().zip(&mut shares) {
            whole.evaluate(part, first, &cp, dealt, wires);
        }
        for level in Level::all(part) {
            let value: Vec<Lane> = shares[0].0.iter().zip(&shares[1].0).map(|(a, b)| xor(a, b)).collect();
            assert_eq!(value.len(), level.wires());
            let (lambda, _) = split(&value); // any masks do
            let (l0, l1) = split(&lambda);
            let public: Vec<Lane> = value.iter().zip(&lambda).map(|(v, l)| xor(v, l)).collect();
            let mut dealt = vec![[0; 8]; level.dealt()];
            level.deal(&lambda, &mut dealt);
            let (d0, d1) = split(&dealt);
            for ((share, first), (lambda, dealt)) in
                shares.iter_mut().zip([true, false]).zip([(l0, d0), (l1, d1)])
            {
                let mut out = vec![[0; 8]; level.results()];
                level.evaluate(first, &public, &lambda, &dealt, &mut out);
                share.0 = out;
            }
        }
        assert_eq!(shares[0].0.len(), 1);
        vec![xor(&shares[0].0[0], &shares[1].0[0])]
    }

    #[test]
    fn the_tree_compares_every_pair_in_every_span() {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state ^ state >> 29
        };
        let c: [u64; 512] = std::array::from_fn(|_| next());
        // near ties at every bit, exact ties, and random pairs
        let r: [u64; 512] = std::array::from_fn(|e| match e % 3 {
            0 => c[e] ^ 1 << (e / 3 % 64),
            1 => c[e],
            _ => next(),
        });
        for (low, high) in [(0, 63), (0, 64), (0, 20), (0, 3), (0, 5), (0, 17), (0, 38), (8, 63)] {
            let whole = Span::new(low, high);
            for start in (low..high).step_by(LEAF) {
                let part = Span::new(start, high);
                let lt = &compare(whole, part, &c, &r)[0];
                let cut = |v: u64| (v & (u64::MAX >> (64 - high))) >> start;
                for e in 0..512 {
                    let got = lt[e / 64] >> (e % 64) & 1 == 1;
                    assert_eq!(got, cut(c[e]) < cut(r[e]), "{:#x} < {:#x} in {part:?}", c[e], r[e]);
                }
            }
        }
    }
}
