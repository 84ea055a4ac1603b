//! Products of mask bits, bit-sliced.

use std::collections::BTreeMap;

use crate::blocks::{Lane, Unit, and, for_each_block};
use crate::error::CorrelationError;
use crate::masks::{Masks, Planes};
use crate::out::Out;
use crate::spec::BitMask;

/// How each of some products is computed: from a product before it, if there is one of all its planes but the lowest.
pub struct BitProducts(Vec<Product>);

struct Product {
    before: Option<usize>,
    /// Planes that are multiplied besides: bit i stands for plane i.
    planes: u64,
}

impl BitProducts {
    /// The products of these sets of planes.
    pub fn new(sets: &[u64]) -> BitProducts {
        let mut known = BTreeMap::new();
        let product = |(i, &set): (usize, &u64)| {
            let rest = set & set.wrapping_sub(1);
            let before = known.get(&rest).copied();
            known.entry(set).or_insert(i);
            Product { before, planes: if before.is_some() { set & !rest } else { set } }
        };
        BitProducts(sets.iter().enumerate().map(product).collect())
    }

    /// Writes the products of a block's planes, one after another.
    #[inline(always)]
    pub fn compute(&self, bits: &[Lane], out: &mut [Lane]) {
        for (i, product) in self.0.iter().enumerate() {
            let mut value = product.before.map_or([u64::MAX; 8], |before| out[before]);
            let mut planes = product.planes;
            while planes != 0 {
                value = and(&value, &bits[planes.trailing_zeros() as usize]);
                planes &= planes - 1;
            }
            out[i] = value;
        }
    }
}

pub fn deal<M: Masks>(
    elements: usize,
    bits: &BitMask,
    sets: &[u64],
    masks: &mut M,
    out: &Out<'_>,
) -> Result<Vec<u64>, CorrelationError> {
    let used = 64 - sets.iter().fold(0, |all, set| all | set).leading_zeros() as usize;
    let planes = Planes::of(bits, used, elements, masks)?;
    let (products, count, masks) = (BitProducts::new(sets), planes.count(), &*masks);
    out.tiles(elements, Unit::Planes(sets.len()), &|range, out| {
        let bits = planes.read(&range, masks)?;
        for_each_block(
            range.len(),
            [(&bits, count)],
            [(out, sets.len())],
            #[inline(always)]
            |[bits], [out]| products.compute(bits, out),
        );
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_of_all_planes_of_their_set() {
        let bits: Vec<Lane> =
            (0..64u64).map(|i| [(i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 0xff << (i % 56); 8]).collect();
        // with all subsets, without, the same twice, a plane alone, the empty product
        let sets = [1, 2, 3, 4, 5, 6, 7, 0b1011, 1 << 63, 3 << 40, 0b1011, 0, u64::MAX];
        let mut out = vec![[7; 8]; sets.len()];
        BitProducts::new(&sets).compute(&bits, &mut out);
        for (set, out) in sets.iter().zip(out) {
            let planes = (0..64).filter(|i| set >> i & 1 == 1);
            let want = planes.fold(u64::MAX, |product, i| product & bits[i][0]);
            assert_eq!(out, [want; 8], "{set:b}");
        }
    }
}
