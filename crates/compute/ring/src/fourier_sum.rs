//! Trigonometric sums of ring elements: `Σ_k a_k cos(k θ) + b_k sin(k θ)` with `θ = 2π c x / 2^64` for an integer c.
//!
//! x and θ wrap alike, so that for x = s − r the sum is linear in the cosines and sines of multiples of r
//! ([`FourierSum::cosines`]), with factors that depend on s alone ([`FourierSum::add_difference`]). All results are
//! integers that every machine computes alike.
//!
//! Both parts are rounded. The rounding of the factors does not depend on x and is smooth in r. The rounding of the cosines
//! is noise that depends on s and x: with s and many results, one x could be told from another by it. The sum's bits are
//! shared out between the two parts: the more bits the cosines have, the smaller this noise.

use crate::real::{cos_sin, round};
use crate::simd;

/// Fractional bits of coefficients; the sum has twice as many, shared out between cosines and their factors.
pub const FOURIER_BITS: u32 = 28;

/// A trigonometric sum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FourierSum {
    /// c, the frequency of the first harmonic, in 2^-64ths of a turn for each unit of x.
    pub frequency: u64,
    /// The constant term, with [`FOURIER_BITS`] fractional bits.
    pub constant: i64,
    /// How far apart the multiples of the frequency are: 1 for all of them, 2 for the odd ones, from 1 on.
    pub step: u32,
    /// Fractional bits of the cosines and sines, at most 40: each bit halves the noise that depends on x.
    pub cosine_bits: u32,
    /// The coefficients (of cosine, of sine) of the multiples, with [`FOURIER_BITS`] fractional bits.
    pub terms: Vec<(i64, i64)>,
}

impl FourierSum {
    /// The constant term with as many fractional bits as the sum.
    pub fn whole(&self) -> u64 {
        (self.constant as u64).wrapping_shl(FOURIER_BITS)
    }

    /// Cosines and sines of each element.
    pub fn words(&self) -> usize {
        2 * self.terms.len()
    }

    /// Cosines and sines of the multiples of each element of r, rounded: harmonic by harmonic the cosines of all elements,
    /// then the sines.
    ///
    /// # Panics
    /// If `out` does not have [`words`](Self::words) words for each element.
    pub fn cosines(&self, r: &[u64], out: &mut [u64]) {
        assert_eq!(out.len(), r.len() * self.words(), "words of {} elements", r.len());
        let unit = power(self.cosine_bits as i32);
        self.walk(
            r,
            #[inline(always)]
            |k, first, cos, sin| {
                let (c, s) = out[2 * k * r.len()..][..2 * r.len()].split_at_mut(r.len());
                let (c, s) = (&mut c[first..first + cos.len()], &mut s[first..first + sin.len()]);
                for (c, cos) in c.iter_mut().zip(cos) {
                    *c = round(cos * unit) as u64;
                }
                for (s, sin) in s.iter_mut().zip(sin) {
                    *s = round(sin * unit) as u64;
                }
            },
        );
    }

    /// Adds to `out` the sum of each element of s − r without its constant, from s and the [`cosines`](Self::cosines) of r.
    /// It is linear in the cosines: additive shares of them give additive shares of the sum.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn add_difference(&self, s: &[u64], cosines: &[u64], out: &mut [u64]) {
        assert_eq!(out.len(), s.len());
        assert_eq!(cosines.len(), s.len() * self.words(), "words of {} elements", s.len());
        let rest = power(FOURIER_BITS as i32 - self.cosine_bits as i32);
        self.walk(
            s,
            #[inline(always)]
            |k, first, cos, sin| {
                let (a, b) = (self.terms[k].0 as f64 * rest, self.terms[k].1 as f64 * rest);
                let (c, d) = cosines[2 * k * s.len()..][..2 * s.len()].split_at(s.len());
                let (c, d) = (&c[first..first + cos.len()], &d[first..first + cos.len()]);
                let out = &mut out[first..first + cos.len()];
                // a cos(s − r) + b sin(s − r)
                for ((out, (cos, sin)), (c, d)) in
                    out.iter_mut().zip(cos.iter().zip(sin)).zip(c.iter().zip(d))
                {
                    let (p, q) = (round(a * cos + b * sin) as u64, round(a * sin - b * cos) as u64);
                    *out = out.wrapping_add(p.wrapping_mul(*c)).wrapping_add(q.wrapping_mul(*d));
                }
            },
        );
    }

    /// The sum of each element in the clear, rounded, with 2 [`FOURIER_BITS`] fractional bits.
    pub fn evaluate(&self, x: &[u64]) -> Vec<u64> {
        let unit = f64::from(1u32 << FOURIER_BITS);
        let mut sums = vec![self.constant as f64; x.len()];
        self.walk(
            x,
            #[inline(always)]
            |k, first, cos, sin| {
                let (a, b) = (self.terms[k].0 as f64, self.terms[k].1 as f64);
                for (sum, (cos, sin)) in sums[first..].iter_mut().zip(cos.iter().zip(sin)) {
                    *sum += a * cos + b * sin;
                }
            },
        );
        sums.into_iter().map(|sum| (sum * unit) as i64 as u64).collect()
    }

    /// The largest distance between [`evaluate`](Self::evaluate) and a sum from rounded [`cosines`](Self::cosines), in units
    /// of the last bit, as long as the sum is within the ring.
    ///
    /// A harmonic is the product of two vectors in the plane, one of length 2^cosine_bits and one of length √(a² + b²), whose
    /// components are rounded by half a unit each. The bound takes a whole unit, which has room for the rounding of f64.
    pub fn error(&self) -> u64 {
        let length = |&(a, b): &(i64, i64)| {
            let sum = a.unsigned_abs() + b.unsigned_abs();
            match FOURIER_BITS.checked_sub(self.cosine_bits) {
                Some(more) => sum << more,
                None => (sum >> (self.cosine_bits - FOURIER_BITS)) + 1,
            }
        };
        self.terms.iter().map(|term| length(term) + (1 << self.cosine_bits) + 1).sum()
    }

    /// Calls `f` with each harmonic's index and the cosines and sines of its angles of a run of elements from `first` on.
    #[inline(always)]
    fn walk(&self, x: &[u64], mut f: impl FnMut(usize, usize, &[f64], &[f64])) {
        const RUN: usize = 256; // four arrays of this fit the first cache
        simd::dispatch(
            #[inline(always)]
            || {
                let [mut cos, mut sin, mut by_cos, mut by_sin] = [[0.0; RUN]; 4];
                for (run, x) in x.chunks(RUN).enumerate() {
                    let (cos, sin) = (&mut cos[..x.len()], &mut sin[..x.len()]);
                    let (by_cos, by_sin) = (&mut by_cos[..x.len()], &mut by_sin[..x.len()]);
                    for ((cos, sin), x) in cos.iter_mut().zip(sin.iter_mut()).zip(x) {
                        (*cos, *sin) = cos_sin(x.wrapping_mul(self.frequency));
                    }
                    // what e^{iθ} is multiplied by for the next harmonic: itself, or its square
                    if self.step == 1 {
                        by_cos.copy_from_slice(cos);
                        by_sin.copy_from_slice(sin);
                    } else {
                        let by = by_cos.iter_mut().zip(by_sin.iter_mut());
                        for ((by_cos, by_sin), (c, s)) in by.zip(cos.iter().zip(sin.iter())) {
                            (*by_cos, *by_sin) = (c * c - s * s, 2.0 * c * s);
                        }
                    }
                    for k in 0..self.terms.len() {
                        f(k, run * RUN, cos, sin);
                        let by = by_cos.iter().zip(by_sin.iter());
                        for ((cos, sin), (c, s)) in cos.iter_mut().zip(sin.iter_mut()).zip(by) {
                            (*cos, *sin) = (*cos * c - *sin * s, *cos * s + *sin * c);
                        }
                    }
                }
            },
        );
    }
}

/// 2^bits, exactly.
fn power(bits: i32) -> f64 {
    f64::from_bits(((1023 + bits) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    fn some(step: u32, cosine_bits: u32) -> FourierSum {
        let unit = 2f64.powi(28);
        FourierSum {
            cosine_bits,
            frequency: ((1u128 << 64) as f64 / (7.5 * 65536.0)) as u64,
            constant: -12345,
            step,
            terms: vec![
                ((0.5 * unit) as i64, (-1.25 * unit) as i64),
                (0, (3.0 * unit) as i64),
                (-17, (0.01 * unit) as i64),
            ],
        }
    }

    #[test]
    fn shares_add_up_to_the_sum() {
        for (step, bits) in [(1, 28), (2, 28), (1, 34), (2, 34), (1, 25)] {
            let h = some(step, bits);
            let n = 1000;
            let (x, r, other) = (test_data(n, 1), test_data(n, 2), test_data(n * h.words(), 3));
            let mut cosines = vec![0; n * h.words()];
            h.cosines(&r, &mut cosines);
            let rest: Vec<u64> = cosines.iter().zip(&other).map(|(c, o)| c.wrapping_sub(*o)).collect();
            let s: Vec<u64> = x.iter().zip(&r).map(|(x, r)| x.wrapping_add(*r)).collect();
            let mut sum = vec![h.whole(); n];
            h.add_difference(&s, &rest, &mut sum);
            h.add_difference(&s, &other, &mut sum);
            for ((sum, clear), x) in sum.iter().zip(h.evaluate(&x)).zip(&x) {
                let error = sum.wrapping_sub(clear) as i64 as f64 / 2f64.powi(56);
                assert!(error.abs() < 2f64.powi(2 - bits.min(56 - bits) as i32), "{error}");
                assert!(sum.wrapping_sub(clear).cast_signed().unsigned_abs() <= h.error());
                let theta = x.wrapping_mul(h.frequency) as f64 / 2f64.powi(64) * std::f64::consts::TAU;
                let mut exact = h.constant as f64 / 2f64.powi(28);
                for (k, (a, b)) in h.terms.iter().enumerate() {
                    let angle = theta * f64::from(1 + k as u32 * step);
                    exact += (*a as f64 * angle.cos() + *b as f64 * angle.sin()) / 2f64.powi(28);
                }
                assert!((clear as i64 as f64 / 2f64.powi(56) - exact).abs() < 1e-11);
            }
        }
    }

    #[test]
    fn every_machine_gives_the_same() {
        // whatever TACITA_SIMD says
        let (h, x) = (some(2, 28), test_data(777, 5));
        let mut words = vec![0; x.len() * h.words()];
        h.cosines(&x, &mut words);
        words.extend(h.evaluate(&x));
        let mut sum = vec![0; x.len()];
        h.add_difference(&x, &words[..x.len() * h.words()], &mut sum);
        words.extend(sum);
        let digest = words
            .iter()
            .fold(0u64, |hash, word| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23));
        assert_eq!(digest, 681859297595007257);
    }
}
