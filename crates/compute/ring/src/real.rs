//! e^x, ln x, cosine, sine and the error function, computed with IEEE operations alone so that every machine rounds
//! identically. Their results multiply shares, where a difference of one unit turns a result into noise. No platform's
//! library guarantees this.

use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LOG2_E, SQRT_2, TAU};

/// 1/n! for n to 17.
const RECIPROCAL_FACTORIALS: [f64; 18] = {
    let mut table = [1.0; 18];
    let mut factorial = 1.0;
    let mut n = 1;
    while n < 18 {
        factorial *= n as f64;
        table[n] = 1.0 / factorial;
        n += 1;
    }
    table
};

/// Adding this constant rounds a number below 2^51 in absolute value to an integer, halves to even, held in the low
/// bits.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52

/// The nearest integer, halves to even, of |x| < 2^51. Compiles to two additions.
#[inline(always)]
pub fn round(x: f64) -> i64 {
    ((x + ROUND).to_bits() as i64).wrapping_sub(ROUND.to_bits() as i64)
}

/// e^x with a relative error of 2^-50; 0 below -708, infinite above 709.
///
/// x = k ln 2 + r with |r| <= ln 2 / 2, then the Taylor sum to r^13 (the remainder is below 2^-57).
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let bounded = if x > -708.0 { x } else { -708.0 };
    let bounded = if bounded < 709.0 { bounded } else { 709.0 };
    let k = round(bounded * LOG2_E);
    let kf = (bounded * LOG2_E + ROUND) - ROUND;
    let r = (bounded - kf * LN2_HIGH) - kf * LN2_LOW;
    let mut sum = RECIPROCAL_FACTORIALS[13];
    let mut n = 13;
    while n > 0 {
        n -= 1;
        sum = sum * r + RECIPROCAL_FACTORIALS[n];
    }
    let result = sum * f64::from_bits(((1023 + k) as u64) << 52);
    if x < -708.0 {
        0.0
    } else if x > 709.0 {
        f64::INFINITY
    } else {
        result
    }
}

/// Cosine and sine of `phase` 2^-64ths of a turn, within 2^-50.
///
/// Subtracts the nearest quarter turn; the rest is at most an eighth and takes Taylor sums to the 16th power.
#[inline(always)]
pub fn cos_sin(phase: u64) -> (f64, f64) {
    let quarter = phase.wrapping_add(1 << 61) >> 62;
    let rest = phase.wrapping_sub(quarter << 62) as i64;
    let x = rest as f64 * (TAU / 18_446_744_073_709_551_616.0);
    let square = x * x;
    let mut cos = RECIPROCAL_FACTORIALS[16];
    let mut sin = RECIPROCAL_FACTORIALS[17];
    let mut n = 16;
    while n > 0 {
        n -= 2;
        let sign = if n % 4 == 0 { 1.0 } else { -1.0 };
        cos = cos * square + sign * RECIPROCAL_FACTORIALS[n];
        sin = sin * square + sign * RECIPROCAL_FACTORIALS[n + 1];
    }
    sin *= x;
    // by quarters: (c, s), (-s, c), (-c, -s), (s, -c)
    let (a, b) = if quarter & 1 == 0 { (cos, sin) } else { (sin, cos) };
    let flip = |value: f64, bit: u64| f64::from_bits(value.to_bits() ^ bit << 63);
    (flip(a, (quarter ^ quarter >> 1) & 1), flip(b, quarter >> 1 & 1))
}

/// ln x with an error of 2^-50; minus infinity for 0, NaN below.
///
/// x = 2^k m with m from 1/√2 to √2, and ln m = 2 artanh((m − 1)/(m + 1)) by its series (the remainder is below 2^-60).
pub fn ln(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return if x == 0.0 {
            f64::NEG_INFINITY
        } else if x > 0.0 {
            x
        } else {
            f64::NAN
        };
    }
    let scaled = if x < f64::MIN_POSITIVE { x * 2f64.powi(60) } else { x };
    let bits = scaled.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023 - if x < f64::MIN_POSITIVE { 60 } else { 0 };
    let mut m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if m > SQRT_2 {
        m *= 0.5;
        exponent += 1;
    }
    let s = (m - 1.0) / (m + 1.0);
    let sum = (0..12).rev().fold(0.0, |sum, n| sum * s * s + 1.0 / f64::from(2 * n + 1));
    exponent as f64 * LN_2 + 2.0 * s * sum
}

/// The error function within 2^-45: its series up to 3, beyond that the continued fraction of the difference to 1.
pub fn erf(x: f64) -> f64 {
    let z = x.abs();
    if z > 6.0 {
        return if x > 0.0 { 1.0 } else { -1.0 };
    }
    let value = if z > 3.0 {
        let fraction = (1..60).rev().fold(z, |f, n| z + f64::from(n) * 0.5 / f);
        1.0 - exp(-z * z) / fraction * (FRAC_2_SQRT_PI * 0.5)
    } else {
        let (mut term, mut sum) = (z, z);
        for n in 1..60 {
            term *= -z * z / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * FRAC_2_SQRT_PI
    };
    if x < 0.0 { -value } else { value }
}

/// The hyperbolic tangent within 2^-50.
pub fn tanh(x: f64) -> f64 {
    let small = exp(-2.0 * x.abs());
    let value = (1.0 - small) / (1.0 + small);
    if x < 0.0 { -value } else { value }
}

/// Cosine and sine of an angle in radians: within 2^-45 for angles below 2^20, with a proportionally larger error
/// above.
pub fn cos_sin_of(angle: f64) -> (f64, f64) {
    let turns = angle / TAU;
    let part = turns - turns.floor();
    let steps = (part * 9_007_199_254_740_992.0) as u64;
    cos_sin(steps << 11)
}

/// x to the power p, for x > 0 with a relative error of 2^-40 for results of ordinary size; for integer p also for x <
/// 0.
pub fn pow(x: f64, p: f64) -> f64 {
    if p.fract() == 0.0 && p.abs() <= 64.0 {
        let power = (0..p.abs() as u32).fold(1.0, |power, _| power * x);
        return if p < 0.0 { 1.0 / power } else { power };
    }
    if x == 0.0 {
        return if p > 0.0 { 0.0 } else { f64::INFINITY };
    }
    exp(p * ln(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_the_exponential() {
        for i in -70_000..70_000 {
            let x = f64::from(i) * 0.01;
            let exact = x.exp();
            assert!((exp(x) - exact).abs() <= exact * 2f64.powi(-50), "e^{x}: {} {exact}", exp(x));
        }
        assert_eq!(exp(-800.0), 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(800.0), f64::INFINITY);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
    }

    #[test]
    fn cos_sin_are_cosine_and_sine() {
        for i in 0..100_000u64 {
            let phase = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i << 60;
            let angle = phase as f64 / 2f64.powi(64) * TAU;
            let (cos, sin) = cos_sin(phase);
            assert!((cos - angle.cos()).abs() < 1e-14 && (sin - angle.sin()).abs() < 1e-14, "{phase:#x}");
        }
        assert_eq!(cos_sin(0), (1.0, 0.0));
        assert_eq!(cos_sin(1 << 62), (0.0, 1.0));
        assert_eq!(cos_sin(1 << 63).0, -1.0);
    }

    #[test]
    fn functions_are_what_they_are_called() {
        for i in -40_000..40_000 {
            let x = f64::from(i) * 0.001;
            assert!((tanh(x) - x.tanh()).abs() < 1e-15);
            let (cos, sin) = cos_sin_of(x);
            assert!((cos - x.cos()).abs() < 1e-13 && (sin - x.sin()).abs() < 1e-13, "{x}");
            let y = x.exp();
            assert!((ln(y) - y.ln()).abs() < 1e-14, "ln {y}");
            assert!((pow(y, -0.3) / y.powf(-0.3) - 1.0).abs() < 1e-12);
        }
        // Abramowitz and Stegun, table 7.1
        for (x, y) in
            [(0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (2.0, 0.995_322_265_0), (-3.5, -0.999_999_256_9)]
        {
            assert!((erf(x) - y).abs() < 1e-10, "erf {x}: {}", erf(x));
        }
        assert!((erf(3.0 + 1e-12) - erf(3.0)).abs() < 1e-13);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert_eq!(pow(-2.0, 3.0), -8.0);
        assert!((ln(1e-310) - 1e-310f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn rounding_is_to_the_nearest_even() {
        for x in [0.5, 1.5, -0.5, -1.5, 2.4999, 1e15 + 0.5, -(2f64.powi(50)) - 0.5, 0.0] {
            assert_eq!(round(x), x.round_ties_even() as i64, "{x}");
        }
    }
}
