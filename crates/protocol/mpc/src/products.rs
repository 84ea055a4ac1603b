//! Products of masked bits: XORs of products of `p_i ⊕ λ_i`, where the `p_i` are public and the dealer deals XOR
//! shares of products of the `λ_i`. Linear online; the tree of a comparison and the winner of a maximum use it.

use std::collections::BTreeSet;

use tacita_correlations::{Lane, and, xor};

/// A set of wires, as a bit mask.
type Set = u32;

/// XOR of products over wires `w_i = p_i ⊕ λ_i`, for several outputs at once.
pub struct Products {
    wires: usize,
    outputs: usize,
    monomials: Vec<Set>,
    /// (output, wires whose public bit multiplies, index of the share: wires first, then monomials; None: one)
    terms: Vec<(usize, Set, Option<usize>)>,
}

impl Products {
    /// `outputs[o]` lists the products whose XOR is output `o`, each as the wires it multiplies.
    ///
    /// # Panics
    /// If there are more than 32 wires.
    pub fn new(wires: usize, outputs: &[Vec<Vec<usize>>]) -> Products {
        assert!(wires <= 32, "at most 32 wires, not {wires}");
        let set = |product: &[usize]| product.iter().fold(0, |s: Set, &w| s | 1 << w);
        let mut monomials = BTreeSet::new();
        for product in outputs.iter().flatten() {
            for subset in subsets(set(product)) {
                if subset.count_ones() >= 2 {
                    monomials.insert(subset);
                }
            }
        }
        let monomials: Vec<Set> = monomials.into_iter().collect();
        let mut terms = Vec::new();
        for (o, products) in outputs.iter().enumerate() {
            for product in products {
                let all = set(product);
                for subset in subsets(all) {
                    let share = match subset.count_ones() {
                        0 => None,
                        1 => Some(subset.trailing_zeros() as usize),
                        _ => monomials.binary_search(&subset).ok().map(|i| wires + i),
                    };
                    terms.push((o, all & !subset, share));
                }
            }
        }
        Products { wires, outputs: outputs.len(), monomials, terms }
    }

    /// Planes that are multiplied.
    pub fn wires(&self) -> usize {
        self.wires
    }

    /// Planes that result.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Planes that the dealer deals: the products of at least two of the λ.
    pub fn dealt(&self) -> usize {
        self.monomials.len()
    }

    /// The sets of wires whose λ are multiplied, a dealt plane for each.
    pub fn sets(&self) -> impl Iterator<Item = u64> + '_ {
        self.monomials.iter().map(|&set| u64::from(set))
    }

    /// A party's part: its XOR shares of the outputs. `first` is the party that adds what is public.
    #[inline(always)]
    pub fn evaluate(&self, first: bool, public: &[Lane], lambda: &[Lane], dealt: &[Lane], out: &mut [Lane]) {
        for target in out.iter_mut() {
            *target = [0; 8];
        }
        for &(o, coefficient, share) in &self.terms {
            let mut term = match share {
                Some(i) if i < self.wires => lambda[i],
                Some(i) => dealt[i - self.wires],
                None if first => [u64::MAX; 8],
                None => continue,
            };
            let mut rest = coefficient;
            while rest != 0 {
                term = and(&term, &public[rest.trailing_zeros() as usize]);
                rest &= rest - 1;
            }
            out[o] = xor(&out[o], &term);
        }
    }
}

/// All subsets of a set, the empty one included.
fn subsets(set: Set) -> impl Iterator<Item = Set> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let current = next?;
        next = if current == set { None } else { Some((current | !set).wrapping_add(1) & set) };
        Some(current)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacita_correlations::BitProducts;

    #[test]
    fn subsets_of_a_set_are_all_and_distinct() {
        let found: Vec<Set> = subsets(0b1011).collect();
        assert_eq!(found, vec![0, 1, 2, 3, 8, 9, 10, 11]);
    }

    #[test]
    fn shares_of_outputs_combine_to_the_products() {
        let outputs = vec![vec![vec![0, 2], vec![1]], vec![vec![0, 1, 2, 3]], vec![vec![3, 1]]];
        let products = Products::new(4, &outputs);
        // every assignment of 4 public and 4 mask bits, one per bit position of a lane
        let bit = |w: usize, v: usize| (v >> w & 1) as u64;
        let mut public = vec![[0u64; 8]; 4];
        let mut lambda = vec![[0u64; 8]; 4];
        for v in 0..256 {
            for w in 0..4 {
                public[w][v / 64] |= bit(w, v) << (v % 64);
                lambda[w][v / 64] |= bit(w + 4, v) << (v % 64);
            }
        }
        let split: Vec<Lane> = (0..4).map(|w| [0x9e37_79b9_7f4a_7c15u64.rotate_left(w); 8]).collect();
        let other: Vec<Lane> = lambda.iter().zip(&split).map(|(l, s)| xor(l, s)).collect();
        let mut dealt = vec![[0u64; 8]; products.dealt()];
        let sets: Vec<u64> = products.sets().collect();
        BitProducts::new(&sets).compute(&lambda, &mut dealt);
        let zero = vec![[0u64; 8]; products.dealt()];
        let mut a = vec![[0u64; 8]; 3];
        let mut b = a.clone();
        products.evaluate(true, &public, &split, &dealt, &mut a);
        products.evaluate(false, &public, &other, &zero, &mut b);
        for v in 0..256 {
            let w = |i: usize| (bit(i, v) ^ bit(i + 4, v)) == 1;
            let want = [(w(0) && w(2)) ^ w(1), w(0) && w(1) && w(2) && w(3), w(3) && w(1)];
            for o in 0..3 {
                let got = (a[o][v / 64] ^ b[o][v / 64]) >> (v % 64) & 1;
                assert_eq!(got == 1, want[o], "output {o}, assignment {v}");
            }
        }
    }
}
