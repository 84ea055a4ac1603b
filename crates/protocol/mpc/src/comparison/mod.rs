//! The comparison of a public number with a mask, bit-sliced: `[c < r]` for some bits `low..high` of `c` (public) and `r`
//! (the dealer's).
//!
//! Leaves of two to four bits need no communication: with all products of a leaf's bits of r dealt, `lt` and `eq` are linear
//! in shares. The levels of a tree then combine two to four neighbours into one: each opens masked (lt, eq) bits once and takes
//! products of the mask bits from the dealer (Rabbit, ePrint 2021/119, for opening masked bits; dealer-assisted fan-in as in
//! arXiv 2602.19604). The `lt` of the highest of a group is multiplied by nothing, so it is not opened: who has a share of it
//! keeps it and adds it to the result. Comparisons of several public numbers with one mask share the leaves' dealt products.
//!
//! Everything works on blocks of 512 elements, a plane of which is a [`Lane`].

mod leaves;
mod level;
mod trees;

pub(crate) use leaves::{Leaves, Span};
pub(crate) use level::{Level, Nodes};
pub(crate) use trees::Trees;

#[cfg(test)]
mod tests {
    use tacita_correlations::{BitProducts, Lane, xor};

    use super::level::ARITY;
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
