//! e^x of ring elements within a window of W units, 8 or 16: `e^(x mod W − W + 1)`.
//!
//! For x = x̂ − r this is e^(x̂ mod W + 1) times e^(−(r mod W) − W), of which one is public and one can be dealt, up to a
//! factor of e^W where the difference wraps. All that meets a share is an integer that every machine computes alike.

use crate::real::{exp, round};
use crate::simd;

/// The exponential of elements with some fractional bits, and the precision of its two factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exponential {
    /// Fractional bits of the elements.
    pub frac: u32,
    /// log2 of the window's units, 3 or 4. The result is off by 2^-dealt e^W or so: a window of 8 gives it relatively, too.
    pub window: u32,
    /// Fractional bits of what is dealt, which is at most 1.
    pub dealt: u32,
    /// Fractional bits of what is public, which is from e to e^(W + 1).
    pub public: u32,
}

impl Exponential {
    /// The low bits that x mod W has.
    pub fn bits(&self) -> u32 {
        self.frac + self.window
    }

    /// Fractional bits of the result.
    pub fn result_frac(&self) -> u32 {
        self.dealt + self.public
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

    /// For each mask r: e^(−r' − W), and what it grows by where x̂ mod W is below r' = r mod W.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn dealt(&self, masks: &[u64], least: &mut [u64], growth: &mut [u64]) {
        assert!(masks.len() == least.len() && masks.len() == growth.len());
        let unit = f64::from_bits((1023 + u64::from(self.dealt)) << 52);
        simd::dispatch(
            #[inline(always)]
            || {
                for ((r, least), growth) in masks.iter().zip(least).zip(growth) {
                    let r = self.within(*r);
                    let low = round(exp(-r - self.units()) * unit);
                    *least = low as u64;
                    *growth = (round(exp(-r) * unit) - low) as u64;
                }
            },
        );
    }

    /// The public factor e^(x̂ mod W + 1) of each opened value.
    pub fn opened(&self, opened: &[u64], out: &mut [u64]) {
        let unit = f64::from_bits((1023 + u64::from(self.public)) << 52);
        simd::dispatch(
            #[inline(always)]
            || {
                for (x, out) in opened.iter().zip(out) {
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

    /// What the protocol computes of an opened value and its mask.
    pub fn of_opening(&self, opened: &[u64], masks: &[u64]) -> Vec<u64> {
        let n = opened.len();
        let (mut factor, mut least, mut growth) = (vec![0; n], vec![0; n], vec![0; n]);
        self.opened(opened, &mut factor);
        self.dealt(masks, &mut least, &mut growth);
        let low = (1 << self.bits()) - 1;
        (0..n)
            .map(|e| {
                let wraps = opened[e] & low < masks[e] & low;
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
        for (frac, window, dealt, public) in
            [(16, 4, 40, 17), (16, 3, 40, 17), (32, 3, 40, 17), (24, 4, 47, 13), (8, 4, 40, 17)]
        {
            let e = Exponential { frac, window, dealt, public };
            let x: Vec<u64> = test_data(2000, 1);
            let r = test_data(2000, 2);
            let opened: Vec<u64> = x.iter().zip(&r).map(|(x, r)| x.wrapping_add(*r)).collect();
            let unit = 2f64.powi(e.result_frac() as i32);
            for ((got, clear), x) in e.of_opening(&opened, &r).iter().zip(e.evaluate(&x)).zip(&x) {
                let within = (x & ((1 << e.bits()) - 1)) as f64 / 2f64.powi(frac as i32);
                let exact = (within - e.units() + 1.0).exp();
                // the public factor is rounded to 2^-public of itself, the dealt one absolutely and then multiplied by it
                let bound = exact * 2f64.powi(-(public as i32))
                    + (e.units() + 1.0).exp() * 2f64.powi(-1 - dealt as i32);
                let got = *got as f64 / unit;
                assert!((got - exact).abs() < bound, "{got} {exact} {e:?}");
                assert!((clear as f64 / unit / exact - 1.0).abs() < 1e-9);
            }
        }
    }
}
