//! The comparison of a public number with a mask, bit-sliced: `[c < r]` for 63-bit `c` (public) and `r` (the dealer's).
//!
//! Leaves of 4 bits need no communication: with all products of a leaf's bits of r dealt, `lt` and `eq` are linear
//! in shares. A tree of arity 4 then combines the 16 leaves in two levels, each of which opens masked (lt, eq) bits
//! once and takes products of the mask bits from the dealer (Rabbit, ePrint 2021/119, for the masked opening;
//! dealer-assisted fan-in as in arXiv 2602.19604).
//!
//! Everything works on blocks of 512 elements, a plane of which is a [`Lane`].

use std::sync::LazyLock;

use crate::products::{Lane, Products, and, xor};

/// Bits compared; bit 63 is the sign's own.
const WIDTH: usize = 63;
/// Leaves: fifteen of four bits and one of three.
const LEAVES: usize = WIDTH.div_ceil(4);
/// Planes dealt for the leaves: all products of a leaf's bits, and bit 63 of the mask last.
pub const LEAF_DEALT: usize = 15 * (LEAVES - 1) + 7 + 1;
/// Planes opened after the leaves: `lt` of leaf 0, then (lt, eq) of each further leaf.
pub const LEVEL1_WIRES: usize = 2 * LEAVES - 1;
/// Planes opened after the first level, in the same order.
pub const LEVEL2_WIRES: usize = 7;

/// Combines four nodes of which the lowest needs no `eq`: wires lt0, lt1, eq1, lt2, eq2, lt3, eq3; output lt.
static LOWEST: LazyLock<Products> =
    LazyLock::new(|| Products::new(7, &[vec![vec![5], vec![3, 6], vec![1, 4, 6], vec![0, 2, 4, 6]]]));
/// Combines four nodes: wires lt0, eq0, …, lt3, eq3; outputs lt, eq.
static INNER: LazyLock<Products> = LazyLock::new(|| {
    Products::new(8, &[vec![vec![6], vec![4, 7], vec![2, 5, 7], vec![0, 3, 5, 7]], vec![vec![1, 3, 5, 7]]])
});

/// Planes dealt for the first level.
pub fn level1_dealt() -> usize {
    LOWEST.dealt() + 3 * INNER.dealt()
}

/// Planes dealt for the second level.
pub fn level2_dealt() -> usize {
    LOWEST.dealt()
}

/// The dealer's planes for the leaves, from the 64 planes of the mask.
#[inline(always)]
pub fn deal_leaves(r: &[Lane], out: &mut [Lane]) {
    let mut next = 0;
    for leaf in 0..LEAVES {
        let bits = if leaf + 1 < LEAVES { 4 } else { 3 };
        for set in 1..1usize << bits {
            let low = set.trailing_zeros() as usize;
            let rest = set & (set - 1);
            let bit = r[4 * leaf + low];
            out[next + set - 1] = if rest == 0 { bit } else { and(&out[next + rest - 1], &bit) };
        }
        next += (1 << bits) - 1;
    }
    out[next] = r[WIDTH];
}

/// A party's shares of the leaves' (lt, eq), from the 64 public planes of c and its shares of the dealt planes.
#[inline(always)]
pub fn leaves(first: bool, c: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
    let mut next = 0;
    for leaf in 0..LEAVES {
        let bits = if leaf + 1 < LEAVES { 4 } else { 3 };
        let full = (1usize << bits) - 1;
        // inverse[q]: the product over the bits i of q of ¬c_i
        let mut inverse = [[u64::MAX; 8]; 16];
        for q in 1..=full {
            let low = q.trailing_zeros() as usize;
            let bit = &c[4 * leaf + low];
            let rest = inverse[q & (q - 1)];
            inverse[q] = std::array::from_fn(|i| rest[i] & !bit[i]);
        }
        let m = &dealt[next..next + full];
        // lt = ⊕_j ¬c_j r_j Π_{i>j} (¬c_i ⊕ r_i)
        let mut lt = [0u64; 8];
        for j in 0..bits {
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
        if leaf == 0 {
            out[0] = lt;
        } else {
            // eq = Π_i (¬c_i ⊕ r_i)
            let mut eq = if first { inverse[full] } else { [0; 8] };
            for s in 1..=full {
                eq = xor(&eq, &and(&inverse[full & !s], &m[s - 1]));
            }
            out[2 * leaf - 1] = lt;
            out[2 * leaf] = eq;
        }
        next += full;
    }
}

/// The dealer's planes for the first level, from the planes of its masks.
#[inline(always)]
pub fn deal_level1(lambda: &[Lane], out: &mut [Lane]) {
    let (low, high) = out.split_at_mut(LOWEST.dealt());
    LOWEST.deal(&lambda[..7], low);
    for (group, out) in high.chunks_exact_mut(INNER.dealt()).enumerate() {
        INNER.deal(&lambda[7 + 8 * group..15 + 8 * group], out);
    }
}

/// A party's shares after the first level, from the opened planes and its shares of the masks and dealt planes.
#[inline(always)]
pub fn level1(first: bool, public: &[Lane], lambda: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
    let (low, high) = dealt.split_at(LOWEST.dealt());
    LOWEST.evaluate(first, &public[..7], &lambda[..7], low, &mut out[..1]);
    for (group, dealt) in high.chunks_exact(INNER.dealt()).enumerate() {
        let wires = 7 + 8 * group..15 + 8 * group;
        let out = &mut out[1 + 2 * group..3 + 2 * group];
        INNER.evaluate(first, &public[wires.clone()], &lambda[wires], dealt, out);
    }
}

/// The dealer's planes for the second level.
#[inline(always)]
pub fn deal_level2(lambda: &[Lane], out: &mut [Lane]) {
    LOWEST.deal(lambda, out);
}

/// A party's share of `[c < r]`.
#[inline(always)]
pub fn level2(first: bool, public: &[Lane], lambda: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
    LOWEST.evaluate(first, public, lambda, dealt, out);
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

    #[test]
    fn the_tree_compares_every_pair() {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state ^ state >> 29
        };
        let low = (1u64 << 63) - 1;
        let c: [u64; 512] = std::array::from_fn(|_| next());
        // near ties at every bit, exact ties, and random pairs
        let r: [u64; 512] = std::array::from_fn(|e| match e % 3 {
            0 => c[e] ^ 1 << (e / 3 % 64),
            1 => c[e],
            _ => next(),
        });
        let (cp, rp) = (planes(&c), planes(&r));
        let mut dealt = vec![[0; 8]; LEAF_DEALT];
        deal_leaves(&rp, &mut dealt);
        assert_eq!(dealt[LEAF_DEALT - 1], rp[63]);
        let (d0, d1) = split(&dealt);
        let (mut w0, mut w1) = (vec![[0; 8]; LEVEL1_WIRES], vec![[0; 8]; LEVEL1_WIRES]);
        leaves(true, &cp, &d0, &mut w0);
        leaves(false, &cp, &d1, &mut w1);

        let open = |a: &[Lane], b: &[Lane]| {
            let value: Vec<Lane> = a.iter().zip(b).map(|(x, y)| xor(x, y)).collect();
            let (lambda, _) = split(&value); // any masks do
            let (l0, l1) = split(&lambda);
            let public: Vec<Lane> = value.iter().zip(&lambda).map(|(v, l)| xor(v, l)).collect();
            (public, lambda, l0, l1)
        };
        let (public, lambda, l0, l1) = open(&w0, &w1);
        let mut dealt = vec![[0; 8]; level1_dealt()];
        deal_level1(&lambda, &mut dealt);
        let (d0, d1) = split(&dealt);
        let (mut w0, mut w1) = (vec![[0; 8]; LEVEL2_WIRES], vec![[0; 8]; LEVEL2_WIRES]);
        level1(true, &public, &l0, &d0, &mut w0);
        level1(false, &public, &l1, &d1, &mut w1);

        let (public, lambda, l0, l1) = open(&w0, &w1);
        let mut dealt = vec![[0; 8]; level2_dealt()];
        deal_level2(&lambda, &mut dealt);
        let (d0, d1) = split(&dealt);
        let (mut a, mut b) = (vec![[0; 8]; 1], vec![[0; 8]; 1]);
        level2(true, &public, &l0, &d0, &mut a);
        level2(false, &public, &l1, &d1, &mut b);
        let lt = xor(&a[0], &b[0]);
        for e in 0..512 {
            assert_eq!(lt[e / 64] >> (e % 64) & 1 == 1, c[e] & low < r[e] & low, "{:#x} < {:#x}", c[e], r[e]);
        }
    }
}
