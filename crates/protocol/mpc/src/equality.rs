//! Whether the low bits of a public number are those of a mask, bit-sliced: the product of the bits `¬c_i ⊕ r_i`, four at a
//! time.
//!
//! A leaf takes up to four bits of c and r. With all products of its bits of r dealt, the leaf is linear in shares. The
//! leaves, up to 16, are opened under masks and multiplied up to four at a time by dealt products of the masks, and the
//! products once more. It is the tree of a comparison with `eq` alone.

use std::sync::LazyLock;

use tacita_correlations::Lane;

use crate::products::Products;

/// Bits of a leaf, and nodes that become one.
const ARITY: usize = 4;

/// The product of one to four bits.
static PRODUCTS: LazyLock<[Products; ARITY]> =
    LazyLock::new(|| [1, 2, 3, 4].map(|k| Products::new(k, &[vec![(0..k).collect()]])));

/// Nodes, bits at first, that become one in groups of one to four.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level(Vec<usize>);

impl Level {
    /// The leaves of so many bits, and the levels above them.
    ///
    /// # Panics
    /// If the bits are none or more than 64.
    pub fn all(bits: u32) -> (Level, Vec<Level>) {
        assert!((1..=64).contains(&bits), "{bits} bits");
        let leaves = Level::of(bits as usize);
        let mut nodes = leaves.results();
        let mut levels = Vec::new();
        while nodes > 1 {
            let level = Level::of(nodes);
            nodes = level.results();
            levels.push(level);
        }
        (leaves, levels)
    }

    /// So many nodes in as few groups as there can be, none much larger than others.
    fn of(nodes: usize) -> Level {
        let groups = nodes.div_ceil(ARITY);
        Level((0..groups).map(|g| (nodes + g) / groups).collect())
    }

    /// Planes that become fewer.
    pub fn wires(&self) -> usize {
        self.0.iter().sum()
    }

    /// Planes that it results in.
    pub fn results(&self) -> usize {
        self.0.len()
    }

    /// Planes dealt: products of masks.
    pub fn dealt(&self) -> usize {
        self.0.iter().map(|&size| PRODUCTS[size - 1].dealt()).sum()
    }

    /// Each group's product with where its wires and dealt planes begin.
    fn groups(&self) -> impl Iterator<Item = (&'static Products, usize, usize)> + '_ {
        let (mut wire, mut dealt) = (0, 0);
        self.0.iter().map(move |&size| {
            let products = &PRODUCTS[size - 1];
            let at = (products, wire, dealt);
            wire += size;
            dealt += products.dealt();
            at
        })
    }

    /// For each dealt plane the opened planes whose masks it multiplies.
    pub fn sets(&self) -> impl Iterator<Item = u64> + '_ {
        self.groups().flat_map(|(products, wire, _)| products.sets().map(move |set| set << wire))
    }

    /// For each plane dealt for leaves the bits of the mask that it multiplies: each bit alone, then the products.
    pub fn leaf_sets(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.wires()).map(|bit| 1 << bit).chain(self.sets())
    }

    /// A party's shares of the products, from the opened planes and its shares of the masks and dealt planes.
    #[inline(always)]
    pub fn evaluate(&self, first: bool, public: &[Lane], lambda: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
        for ((products, wire, start), out) in self.groups().zip(out.chunks_exact_mut(1)) {
            products.evaluate(first, &public[wire..], &lambda[wire..], &dealt[start..], out);
        }
    }

    /// A party's shares of leaves, from the 64 public planes of c and its shares of the dealt planes.
    #[inline(always)]
    pub fn leaves(&self, first: bool, c: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
        let mut inverse = [[0; 8]; 64];
        for (inverse, c) in inverse.iter_mut().zip(c) {
            *inverse = std::array::from_fn(|i| !c[i]);
        }
        let (bits, products) = dealt.split_at(self.wires());
        self.evaluate(first, &inverse, bits, products, out);
    }
}
