//! e^x of ring elements within a window of W units, 8 or 16: `e^(x mod W − W + 1)`.
//!
//! For x = s − r this is a large factor e^(s mod W + 1) times a small factor e^(−(r mod W) − W), up to another factor of e^W
//! where the difference wraps. All results are integers that every machine computes alike.

use crate::real::{exp, round};
use crate::simd;

/// The exponential of elements with some fractional bits, and the precision of its two factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exponential {
    /// Fractional bits of the elements.
    pub frac: u32,
    /// log2 of the window's units, 3 or 4. The result is off by some 2^-small_bits e^W: a window of 8 gives it relatively, too.
    pub window: u32,
    /// Fractional bits of the small factor, which is at most 1.
    pub small_bits: u32,
    /// Fractional bits of the large factor, which is from e to e^(W + 1).
    pub large_bits: u32,
}

impl Exponential {
    /// The low bits that x mod W has.
    pub fn bits(&self) -> u32 {
        self.frac + self.window
    }

    /// Fractional bits of the result.
    pub fn result_frac(&self) -> u32 {
        self.small_bits + self.large_bits
    }

    /// W.
    pub fn units(&self) -> f64 {
        f64::from(1u32 << self.window)
    }

    #[inline(always)]
    fn within(&self, x: u64) -> f64 {
        // below 2^53, so that the conversion is exact; frac is at most 48
        (x & ((1 << self.bits()) - 1)) as i64 as f64 * f64::from_bits((1023 - u64::from(self.frac)) << 52)
    }

    /// The small factor e^(−r' − W) of each element of r, and what it grows by where s mod W is below r' = r mod W.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn small_factors(&self, r: &[u64], least: &mut [u64], growth: &mut [u64]) {
        assert!(r.len() == least.len() && r.len() == growth.len());
        let unit = f64::from_bits((1023 + u64::from(self.small_bits)) << 52);
        simd::dispatch(
            #[inline(always)]
            || {
                for ((r, least), growth) in r.iter().zip(least).zip(growth) {
                    let r = self.within(*r);
                    let low = round(exp(-r - self.units()) * unit);
                    *least = low as u64;
                    *growth = (round(exp(-r) * unit) - low) as u64;
                }
            },
        );
    }

    /// The large factor e^(s mod W + 1) of each element of s.
    pub fn large_factors(&self, s: &[u64], out: &mut [u64]) {
        let unit = f64::from_bits((1023 + u64::from(self.large_bits)) << 52);
        simd::dispatch(
            #[inline(always)]
            || {
                for (x, out) in s.iter().zip(out) {
                    *out = round(exp(self.within(*x) + 1.0) * unit) as u64;
                }
            },
        );
    }

    /// The result of each element in the clear, rounded.
    pub fn evaluate(&self, x: &[u64]) -> Vec<u64> {
        let unit = f64::from_bits((1023 + u64::from(self.result_frac())) << 52);
        x.iter().map(|x| (exp(self.within(*x) - self.units() + 1.0) * unit) as u64).collect()
    }

    /// The largest distance between a result of [`evaluate`](Self::evaluate) and one from rounded factors, in units of the last
    /// bit: the large factor is rounded to 2^-large_bits of itself, the small one absolutely and then multiplied by it.
    pub fn error(&self, result: u64) -> u64 {
        let largest = exp(self.units() + 1.0) * 2f64.powi(self.large_bits as i32 - 1);
        (result >> self.large_bits) + largest.ceil() as u64 + 1
    }

    /// The result of each element of s − r, from the rounded factors.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn of_difference(&self, s: &[u64], r: &[u64]) -> Vec<u64> {
        let n = s.len();
        let (mut factor, mut least, mut growth) = (vec![0; n], vec![0; n], vec![0; n]);
        self.large_factors(s, &mut factor);
        self.small_factors(r, &mut least, &mut growth);
        let low = (1 << self.bits()) - 1;
        (0..n)
            .map(|e| {
                let wraps = s[e] & low < r[e] & low;
                factor[e].wrapping_mul(least[e].wrapping_add(if wraps { growth[e] } else { 0 }))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    #[test]
    fn factors_give_the_exponential() {
        for (frac, window, small_bits, large_bits) in
            [(16, 4, 40, 17), (16, 3, 40, 17), (32, 3, 40, 17), (24, 4, 47, 13), (8, 4, 40, 17)]
        {
            let e = Exponential { frac, window, small_bits, large_bits };
            let x: Vec<u64> = test_data(2000, 1);
            let r = test_data(2000, 2);
            let s: Vec<u64> = x.iter().zip(&r).map(|(x, r)| x.wrapping_add(*r)).collect();
            let unit = 2f64.powi(e.result_frac() as i32);
            for ((got, clear), x) in e.of_difference(&s, &r).iter().zip(e.evaluate(&x)).zip(&x) {
                let within = (x & ((1 << e.bits()) - 1)) as f64 / 2f64.powi(frac as i32);
                let exact = (within - e.units() + 1.0).exp();
                // the large factor is rounded to 2^-large_bits of itself, the small one absolutely and then multiplied by it
                let bound = exact * 2f64.powi(-(large_bits as i32))
                    + (e.units() + 1.0).exp() * 2f64.powi(-1 - small_bits as i32);
                assert!(got.wrapping_sub(clear).cast_signed().unsigned_abs() <= e.error(clear), "{e:?}");
                let got = *got as f64 / unit;
                assert!((got - exact).abs() < bound, "{got} {exact} {e:?}");
                assert!((clear as f64 / unit / exact - 1.0).abs() < 1e-9);
            }
        }
    }
}
