//! Whether a public number equals a mask, bit-sliced: the product of 64 bits `¬c_i ⊕ r_i`, four at a time.
//!
//! A leaf takes four bits of c and r. With all products of its bits of r dealt, the leaf is linear in shares. The 16 leaves
//! are opened under masks and multiplied four at a time by dealt products of the masks, and the four products once more.
//! It is the tree of a comparison with `eq` alone.

use std::sync::LazyLock;

use crate::products::{Lane, Products};

/// Bits compared.
const WIDTH: usize = 64;
/// Leaves, of four bits each, and planes opened after them.
pub const LEVEL1_WIRES: usize = WIDTH / 4;
/// Planes opened after the first level.
pub const LEVEL2_WIRES: usize = LEVEL1_WIRES / 4;

/// The product of four bits.
static FOUR: LazyLock<Products> = LazyLock::new(|| Products::new(4, &[vec![vec![0, 1, 2, 3]]]));

/// Planes dealt for the leaves: each one's bits of the mask, and their products.
pub fn leaves_dealt() -> usize {
    LEVEL1_WIRES * (4 + FOUR.dealt())
}

/// Planes dealt for products of so many wires, four at a time.
pub fn level_dealt(wires: usize) -> usize {
    wires / 4 * FOUR.dealt()
}

/// The dealer's planes for the leaves, from the 64 planes of the mask.
#[inline(always)]
pub fn deal_leaves(r: &[Lane], out: &mut [Lane]) {
    for (r, out) in r.chunks_exact(4).zip(out.chunks_exact_mut(4 + FOUR.dealt())) {
        out[..4].copy_from_slice(r);
        FOUR.deal(r, &mut out[4..]);
    }
}

/// A party's shares of the leaves, from the 64 public planes of c and its shares of the dealt planes.
#[inline(always)]
pub fn leaves(first: bool, c: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
    let leaves = c.chunks_exact(4).zip(dealt.chunks_exact(4 + FOUR.dealt()));
    for ((c, dealt), out) in leaves.zip(out.chunks_exact_mut(1)) {
        let mut inverse = [[0; 8]; 4];
        for (inverse, c) in inverse.iter_mut().zip(c) {
            *inverse = std::array::from_fn(|i| !c[i]);
        }
        FOUR.evaluate(first, &inverse, &dealt[..4], &dealt[4..], out);
    }
}

/// The dealer's planes for products of opened wires, from the planes of their masks.
#[inline(always)]
pub fn deal_level(lambda: &[Lane], out: &mut [Lane]) {
    for (lambda, out) in lambda.chunks_exact(4).zip(out.chunks_exact_mut(FOUR.dealt())) {
        FOUR.deal(lambda, out);
    }
}

/// A party's shares of the products, from the opened planes and its shares of the masks and dealt planes.
#[inline(always)]
pub fn level(first: bool, public: &[Lane], lambda: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
    let wires = public.chunks_exact(4).zip(lambda.chunks_exact(4));
    for ((wires, dealt), out) in wires.zip(dealt.chunks_exact(FOUR.dealt())).zip(out.chunks_exact_mut(1)) {
        FOUR.evaluate(first, wires.0, wires.1, dealt, out);
    }
}
