//! e^x: the exponential of x modulo a window, and which window x is in.
//!
//! For x <= 0 (and what rounding adds) one window and one threshold suffice. Else there are windows of eight
//! units, whose constants e^(8 q) are multiplied afterwards. Above the largest representable number the result
//! saturates.

use std::f64::consts::LN_2;
use tacita_program::{RingId, RingOp, Threshold};

use tacita_ring::{Exponential, real};

use super::gate::{at_frac, locate};
use super::{Lowering, compare};

/// e^x for x from 1 - W to below 1, W = 2^window; the same for all x that are a multiple of W away.
fn windowed(l: &mut Lowering<'_>, x: RingId, window: u32, result: u32) -> RingId {
    let (shape, frac) = (l.shape_of(x).to_vec(), l.frac_of(x));
    let one = l.constant(1 << frac, &[], frac);
    let x = l.push(RingOp::Sub, &[x, one], &shape, frac);
    // the more of the result is used, the more of the small factor; the result is below e and has less than 62 bits
    let (small_bits, large_bits) = if result > 20 { (47, 13) } else { (40, 17) };
    let spec = Exponential { frac, window, small_bits, large_bits };
    l.push(RingOp::Exponential { spec }, &[x], &shape, spec.result_frac())
}

/// A threshold that may be off by `units`.
fn about(at: f64, units: f64, frac: u32) -> Threshold {
    let within = |bits: &u32| 2f64.powi(*bits as i32) <= units * 2f64.powi(frac as i32);
    let dropped = (0..frac + 4).rev().find(within).unwrap_or(0) / 4 * 4;
    Threshold { at: at_frac(at, frac), dropped }
}

/// e^x for x below 1, with `result` fractional bits: 0 from somewhere between -15 and -13 downwards or, where more bits are
/// wanted than that is worth, from -15.
pub(crate) fn nonpositive(l: &mut Lowering<'_>, x: RingId, result: u32) -> RingId {
    let (shape, frac) = (l.shape_of(x).to_vec(), l.frac_of(x));
    let least = if result > 20 { about(-15.0, 0.0, frac) } else { about(-14.0, 0.9, frac) };
    let bits = locate(l, x, &[least]);
    let y = windowed(l, x, 4, result);
    let y_frac = l.frac_of(y);
    let zero = l.constant(0, &shape, result);
    compare::choose_each(l, bits, &[(zero, result), (y, y_frac)], result)
}

/// The largest x whose exponential is representable at a precision.
pub(crate) fn largest(precision: u32) -> f64 {
    f64::from(62 - 2 * precision) * LN_2 - 2f64.powi(-12)
}

/// e^x at the session's precision.
pub(crate) fn any(l: &mut Lowering<'_>, x: RingId) -> RingId {
    let (precision, frac) = (l.precision(), l.frac_of(x));
    let shape = l.shape_of(x).to_vec();
    let most = largest(precision);
    // windows q = -1, 0, 1, … from 8 q - 7 on; the lowest ends at -14 or so
    let windows: Vec<f64> = (-1..8).map(f64::from).filter(|q| 8.0 * q - 7.0 < most).collect();
    let mut thresholds = vec![about(-14.0, 0.9, frac)];
    let starts = windows[1..].iter().map(|q| 8.0 * q - 7.0).chain([most]);
    thresholds.extend(starts.map(|start| about(start, 0.0, frac)));
    let bits = locate(l, x, &thresholds);
    let y = windowed(l, x, 3, precision);
    let y_frac = l.frac_of(y);
    // e^x = y e^(8 q) is below 2^62 with this many fractional bits
    let result = 2 * precision - 1;
    // what is below e^-7 can do with fewer bits of y, so that e^-8 has some
    let coarse = result.saturating_sub(17);
    let factors = |kept: u32, of: &dyn Fn(f64) -> bool| -> Vec<i64> {
        let factor = |q: &f64| {
            let factor = real::exp(8.0 * q) * 2f64.powi(result as i32 - kept as i32);
            if of(*q) { factor.round_ties_even() as i64 } else { 0 }
        };
        std::iter::once(0).chain(windows.iter().map(factor)).chain([0]).collect()
    };
    let low = factors(coarse, &|q| q < 0.0);
    let high = factors(result, &|q| q >= 0.0);
    let low = compare::rescale(l, bits, &low, y, y_frac - coarse, result);
    let high = compare::rescale(l, bits, &high, y, y_frac - result, result);
    let saturated = (real::exp(most) * 2f64.powi(result as i32)).round_ties_even() as i64;
    let saturated = compare::constants(l, bits, &[(thresholds.len(), saturated)], result);
    let sum = l.push(RingOp::Add, &[low, high], &shape, result);
    let sum = l.push(RingOp::Add, &[sum, saturated], &shape, result);
    l.at_frac(sum, precision)
}
