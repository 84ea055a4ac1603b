//! Trigonometric sums that functions are computed with: whole coefficients, printed by `examples/fit_functions.rs`.
//! `tests/coefficients.rs` fits them again and compares.

mod table;

use tacita_ring::{FOURIER_BITS, FourierSum};

pub(crate) use table::*;

/// Fractional bits of the cosines and sines of a fit: 18 more than a result at 16 bits has, less those of the
/// coefficients, so that their noise is not seen (docs/protocol.md, "What approximations reveal"). The 22 bits of their factors
/// are finer than any fit. Sine and cosine are no fits and have coefficients of 1: they share the bits evenly.
const COSINE_BITS: u32 = 34;

/// A function as a trigonometric sum on an interval.
pub(crate) struct Fit {
    /// Where it is fitted.
    pub(crate) domain: [f64; 2],
    /// The period of the first harmonic.
    pub(crate) period: f64,
    /// How far apart the multiples are.
    pub(crate) step: u32,
    /// The largest error of the sum, relative where the fit is.
    pub(crate) error: f64,
    /// The constant term, with [`FOURIER_BITS`] fractional bits.
    pub(crate) constant: i64,
    /// The coefficients of cosine and sine, with [`FOURIER_BITS`] fractional bits.
    pub(crate) terms: &'static [(i64, i64)],
}

impl Fit {
    /// The sum for elements with `frac` fractional bits, plus `offset`.
    pub(crate) fn harmonics(&self, frac: u32, offset: f64) -> FourierSum {
        let turn = 18_446_744_073_709_551_616.0; // 2^64 units
        let frequency = (turn / (self.period * 2f64.powi(frac as i32))).round_ties_even();
        FourierSum {
            frequency: frequency as u64,
            constant: self.constant + (offset * 2f64.powi(FOURIER_BITS as i32)).round_ties_even() as i64,
            step: self.step,
            cosine_bits: if self.error == 0.0 { FOURIER_BITS } else { COSINE_BITS },
            terms: self.terms.to_vec(),
        }
    }
}

/// The sine.
pub(crate) const SIN: Fit = circle(&[(0, 1 << FOURIER_BITS)]);

/// The cosine.
pub(crate) const COS: Fit = circle(&[(1 << FOURIER_BITS, 0)]);

/// A harmonic that is the function itself.
const fn circle(terms: &'static [(i64, i64)]) -> Fit {
    let domain = [f64::NEG_INFINITY, f64::INFINITY];
    Fit { domain, period: std::f64::consts::TAU, step: 1, error: 0.0, constant: 0, terms }
}
