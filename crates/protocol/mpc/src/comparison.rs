//! The comparison of a public number with a mask, bit-sliced: `[c < r]` for some bits `low..high` of `c` (public) and `r`
//! (the dealer's).
//!
//! Leaves of two to four bits need no communication: with all products of a leaf's bits of r dealt, `lt` and `eq` are linear
//! in shares. The levels of a tree then combine two to four neighbours into one: each opens masked (lt, eq) bits once and takes
//! products of the mask bits from the dealer (Rabbit, ePrint 2021/119, for the masked opening; dealer-assisted fan-in as in
//! arXiv 2602.19604). The `lt` of the highest of a group is multiplied by nothing, so it is not opened: who has a share of it
//! keeps it and adds it to the result. Comparisons of several public numbers with one mask share the leaves' dealt products.
//!
//! Everything works on blocks of 512 elements, a plane of which is a [`Lane`].

use std::ops::Range;
use std::sync::LazyLock;

use crate::products::Products;
use tacita_correlations::{Lane, and, xor};

/// The most nodes of a group.
pub const ARITY: usize = 4;

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

/// Combines k nodes. Wires: lt and eq of each from the lowest on, but no lt of the highest and, with `lowest`, no eq of the
/// lowest. Outputs: lt less that of the highest; then, if not `lowest`, eq.
fn group(k: usize, lowest: bool) -> Products {
    let before = usize::from(lowest);
    let lt = |node: usize| (2 * node).saturating_sub(before);
    let eq = |node: usize| if node == k - 1 { 2 * k - 2 - before } else { 2 * node + 1 - before };
    let eqs = |from: usize| (from..k).map(eq);
    let less = (0..k - 1).map(|node| std::iter::once(lt(node)).chain(eqs(node + 1)).collect()).collect();
    let outputs = if lowest { vec![less] } else { vec![less, vec![eqs(0).collect()]] };
    Products::new(2 * k - 1 - before, &outputs)
}

/// Groups of two to four with the lowest node of all.
static LOWEST: LazyLock<[Products; ARITY - 1]> = LazyLock::new(|| [2, 3, 4].map(|k| group(k, true)));
/// Groups of two to four without it.
static INNER: LazyLock<[Products; ARITY - 1]> = LazyLock::new(|| [2, 3, 4].map(|k| group(k, false)));

/// One level of a comparison's tree: nodes in groups of two to four, from the lowest. Or the root alone, a group of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level(Vec<usize>);

impl Level {
    /// So many nodes in as many groups, the lowest the largest.
    pub fn new(nodes: usize, groups: usize) -> Level {
        Level((0..groups).map(|g| (nodes + g) / groups).rev().collect())
    }

    /// Planes opened: (lt, eq) of each node, but no `eq` of the lowest and no `lt` of the highest of a group.
    pub fn wires(&self) -> usize {
        2 * self.0.iter().sum::<usize>() - 1 - self.kept()
    }

    /// Planes kept: `lt` of the highest of each group. Of the root it is the result.
    pub fn kept(&self) -> usize {
        self.0.len()
    }

    /// The groups with where their wires and dealt planes begin.
    fn groups(&self) -> impl Iterator<Item = (&'static Products, usize, usize)> + '_ {
        let (mut wire, mut dealt) = (0, 0);
        self.0.iter().enumerate().map(move |(g, &size)| {
            let products = if g == 0 { &LOWEST[size - 2] } else { &INNER[size - 2] };
            let at = (products, wire, dealt);
            wire += products.wires();
            dealt += products.dealt();
            at
        })
    }

    /// Planes dealt.
    pub fn dealt(&self) -> usize {
        self.groups().map(|(products, ..)| products.dealt()).sum()
    }

    /// For each dealt plane the opened planes whose masks it multiplies.
    pub fn sets(&self) -> impl Iterator<Item = u64> + '_ {
        self.groups().flat_map(|(products, wire, _)| products.sets().map(move |set| set << wire))
    }

    /// A party's shares of the nodes that the groups become, from the opened planes and its shares of the masks, of the dealt
    /// planes and of those kept.
    #[inline(always)]
    pub fn evaluate(&self, first: bool, [public, lambda, dealt, kept]: [&[Lane]; 4], mut nodes: Nodes<'_>) {
        for ((products, wire, start), kept) in self.groups().zip(kept) {
            let mut out = [[0; 8]; 2];
            let outputs = &mut out[..products.outputs()];
            products.evaluate(first, &public[wire..], &lambda[wire..], &dealt[start..], outputs);
            nodes.push(&xor(&out[0], kept), &out[1]);
        }
    }
}

/// Shares of the nodes of a level, which come from the lowest on: what it opens and what it keeps.
pub struct Nodes<'a> {
    level: &'a Level,
    opened: &'a mut [Lane],
    kept: &'a mut [Lane],
    /// How many planes there are of each, and nodes of the group.
    next: (usize, usize, usize),
}

impl<'a> Nodes<'a> {
    pub fn new(level: &'a Level, opened: &'a mut [Lane], kept: &'a mut [Lane]) -> Nodes<'a> {
        Nodes { level, opened, kept, next: (0, 0, 0) }
    }

    #[inline(always)]
    fn push(&mut self, lt: &Lane, eq: &Lane) {
        let (opened, group, node) = &mut self.next;
        let (lowest, highest) = (*group == 0 && *node == 0, *node + 1 == self.level.0[*group]);
        if highest {
            self.kept[*group] = *lt;
        } else {
            self.opened[*opened] = *lt;
            *opened += 1;
        }
        if !lowest {
            self.opened[*opened] = *eq;
            *opened += 1;
        }
        if highest {
            (*group, *node) = (*group + 1, 0);
        } else {
            *node += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacita_correlations::BitProducts;

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

    /// The planes that are dealt.
    fn products(sets: impl Iterator<Item = u64>, bits: &[Lane]) -> Vec<Lane> {
        let sets: Vec<u64> = sets.collect();
        let mut dealt = vec![[0; 8]; sets.len()];
        BitProducts::new(&sets).compute(bits, &mut dealt);
        dealt
    }

    fn compare(leaves: Leaves, part: Leaves, levels: &[Level], c: &[u64; 512], r: &[u64; 512]) -> Lane {
        let (cp, rp) = (planes(c), planes(r));
        let dealt = products(leaves.sets(), &rp);
        assert_eq!(dealt.len(), leaves.dealt());
        let (d0, d1) = split(&dealt);
        let empty = |level: &Level| (vec![[0; 8]; level.wires()], vec![[0; 8]; level.kept()]);
        let mut shares = [(true, d0), (false, d1)].map(|(first, dealt)| {
            let (mut opened, mut kept) = empty(&levels[0]);
            leaves.evaluate(part, first, &cp, &dealt, Nodes::new(&levels[0], &mut opened, &mut kept));
            (opened, kept)
        });
        for both in levels.windows(2) {
            let [level, above] = both else { unreachable!("two") };
            let value: Vec<Lane> = shares[0].0.iter().zip(&shares[1].0).map(|(a, b)| xor(a, b)).collect();
            let (lambda, _) = split(&value); // any masks do
            let (l0, l1) = split(&lambda);
            let public: Vec<Lane> = value.iter().zip(&lambda).map(|(v, l)| xor(v, l)).collect();
            let dealt = products(level.sets(), &lambda);
            assert_eq!(dealt.len(), level.dealt());
            let (d0, d1) = split(&dealt);
            for ((share, first), (lambda, dealt)) in
                shares.iter_mut().zip([true, false]).zip([(l0, d0), (l1, d1)])
            {
                let (mut opened, mut kept) = empty(above);
                let nodes = Nodes::new(above, &mut opened, &mut kept);
                level.evaluate(first, [&public, &lambda, &dealt, &share.1], nodes);
                *share = (opened, kept);
            }
        }
        let [(opened, a), (_, b)] = &shares;
        assert_eq!((opened.len(), a.len()), (0, 1));
        xor(&a[0], &b[0])
    }

    /// All ways to have so many nodes become one in at most so many levels.
    fn trees(nodes: usize, most: usize) -> Vec<Vec<Level>> {
        if nodes == 1 {
            return vec![vec![Level::new(1, 1)]];
        }
        if most == 0 {
            return vec![];
        }
        let first = |groups| {
            let more = trees(groups, most - 1).into_iter();
            more.map(move |levels| [vec![Level::new(nodes, groups)], levels].concat())
        };
        (nodes.div_ceil(ARITY)..=nodes / 2).flat_map(first).collect()
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
        let mut compared = 0;
        for (low, high) in [(0, 63), (0, 64), (0, 20), (0, 3), (0, 5), (0, 17), (0, 38), (8, 63), (3, 50)] {
            for size in 2..=4 {
                let leaves = Leaves { span: Span::new(low, high), size };
                for start in (low..high).step_by(size) {
                    let part = leaves.part(Span::new(start, high)).unwrap();
                    let cut = |v: u64| (v & (u64::MAX >> (64 - high))) >> start;
                    for levels in trees(part.count(), 3) {
                        let lt = compare(leaves, part, &levels, &c, &r);
                        for e in 0..512 {
                            let got = lt[e / 64] >> (e % 64) & 1 == 1;
                            let want = cut(c[e]) < cut(r[e]);
                            assert_eq!(got, want, "{:#x} < {:#x} in {part:?}, {levels:?}", c[e], r[e]);
                        }
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 1000, "{compared} trees");
    }
}
