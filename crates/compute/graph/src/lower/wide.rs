//! Functions of positive numbers over the whole representable range: thresholds at every fourth power of two find the
//! exponent, by which x is scaled into [1/16, 1]; there the function is a trigonometric sum, and the exponent scales it back.
//!
//! A logarithm needs no scaling back. A threshold may be off by a sixteenth, so low bits are left out of it.

use std::f64::consts::LN_2;
use tacita_program::{RingId, RingOp, Threshold};

use tacita_ring::FOURIER_BITS;

use super::fits::{self, Fit};
use super::gate::{SUM_BITS, harmonics, locate};
use super::{Lowering, compare, representable};
use crate::types::Interval;

/// Bits between thresholds.
const STEP: u32 = 4;
/// Fractional bits of the scaled value.
const SCALED: u32 = 62;
/// Bits by which a sum is truncated at the least, so that nothing of its rounding is seen.
const LEAST_CUT: u32 = 30;
/// Fractional bits to which the sum is truncated before it is scaled back.
const KEPT: u32 = 24;

/// A function that this computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wide {
    /// 1/x.
    Reciprocal,
    /// 1/√x.
    Rsqrt,
    /// √x.
    Sqrt,
    /// ln x.
    Log,
}

impl Wide {
    fn fit(self) -> &'static Fit {
        match self {
            Wide::Reciprocal => &fits::RECIPROCAL,
            Wide::Rsqrt => &fits::RSQRT,
            Wide::Sqrt => &fits::SQRT,
            Wide::Log => &fits::LOG,
        }
    }

    /// The largest error of the sum, relative but for the logarithm.
    pub(crate) fn error(self) -> f64 {
        self.fit().error
    }

    /// The function, in the clear.
    fn of(self, x: f64) -> f64 {
        match self {
            Wide::Reciprocal => 1.0 / x,
            Wide::Rsqrt => 1.0 / x.sqrt(),
            Wide::Sqrt => x.sqrt(),
            Wide::Log => tacita_ring::real::ln(x),
        }
    }
}

/// One interval of |x|: x times 2^(62 - exponent) is scaled into [1/16, 1]; below zero it is negated.
struct Place {
    exponent: u32,
    negative: bool,
}

/// What may be known of x.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Domain {
    /// |x| is below 2^bits units.
    pub(crate) bits: u32,
    /// x is at least 2^least units.
    pub(crate) least: Option<u32>,
    /// x may be negative, and counts.
    pub(crate) signed: bool,
}

impl Domain {
    /// What an interval leaves of all that is representable at a precision, for values with `frac` fractional bits. It may
    /// be passed by a sixteenth.
    pub(crate) fn of(interval: Interval, precision: u32, frac: u32) -> Domain {
        let unit = 2f64.powi(frac as i32);
        let most = (62 - 2 * precision + frac).min(62);
        let bits = (1..most).find(|&bits| interval.max * unit <= 2f64.powi(bits as i32)).unwrap_or(most);
        // with room for what fixed point adds: only what is well above one unit
        let least = (8..62).rev().find(|&bits| interval.min * unit >= 2f64.powi(bits as i32));
        Domain { bits, least, signed: false }
    }
}

/// The function of x, at `result` fractional bits; what it is at the smallest positive x where x is not above zero. A result
/// that is not representable saturates.
pub(crate) fn wide(l: &mut Lowering<'_>, function: Wide, x: RingId, domain: Domain, result: u32) -> RingId {
    wide_times(l, function, x, domain, 1.0, result)
}

/// The function of x times a positive number, which costs nothing; not of a logarithm.
pub(crate) fn wide_times(
    l: &mut Lowering<'_>,
    function: Wide,
    x: RingId,
    domain: Domain,
    times: f64,
    result: u32,
) -> RingId {
    let frac = l.frac_of(x);
    let shape = l.shape_of(x).to_vec();
    let (thresholds, places) = layout(domain);
    let bits = if thresholds.is_empty() { None } else { Some(locate(l, x, &thresholds)) };

    let scales: Vec<i64> = places
        .iter()
        .map(|place| {
            let scale = place.as_ref().map_or(0, |place| 1i64 << (SCALED - place.exponent));
            if place.as_ref().is_some_and(|place| place.negative) { -scale } else { scale }
        })
        .collect();
    let scaled = match bits {
        Some(bits) => compare::rescale(l, bits, &scales, x, 0, SCALED),
        None => l.push(RingOp::Scale { factor: scales[0] }, &[x], &shape, SCALED),
    };
    let sum = harmonics(l, scaled, function.fit(), 0.0);
    let smallest = function.of(2f64.powi(-(frac as i32)));
    // 2^exponent units as a number
    let power = |place: &Place| f64::from(place.exponent) - f64::from(frac);

    if function == Wide::Log {
        let word = |x: f64| (x * 2f64.powi(SUM_BITS as i32)).round_ties_even() as i64;
        // the sum of a value that is scaled to zero
        let fit = function.fit();
        let at_zero = (fit.constant + fit.terms.iter().map(|(a, _)| a).sum::<i64>()) << FOURIER_BITS;
        let numbers: Vec<(usize, i64)> = places
            .iter()
            .map(|place| place.as_ref().map_or(word(smallest) - at_zero, |place| word(power(place) * LN_2)))
            .enumerate()
            .collect();
        let added = match bits {
            Some(bits) => compare::constants(l, bits, &numbers, SUM_BITS),
            None => l.constant(numbers[0].1, &shape, SUM_BITS),
        };
        let sum = l.push(RingOp::Add, &[sum, added], &shape, SUM_BITS);
        return l.at_frac(sum, result);
    }

    // the largest result decides how many bits its factor may have
    let limit = representable(l.precision());
    let factor_of = |place: &Place| {
        let power = power(place);
        times
            * match function {
                Wide::Reciprocal => 2f64.powi(-power as i32),
                Wide::Rsqrt => half_power(-power),
                Wide::Sqrt | Wide::Log => half_power(power),
            }
    };
    let largest_of = |place: &Place| match function {
        Wide::Sqrt => factor_of(place),
        Wide::Rsqrt => 4.0 * factor_of(place),
        Wide::Reciprocal | Wide::Log => 16.0 * factor_of(place),
    };
    let kept_places = || places.iter().flatten().filter(|place| largest_of(place) <= limit);
    let largest = kept_places().map(largest_of).fold(0.0, f64::max).max(2f64.powi(-40));
    let room = (0..40).rev().find(|&bits| largest * 2f64.powi((KEPT + bits) as i32) < 2f64.powi(60));
    let carried = room.unwrap_or(0);
    let unit = 2f64.powi(carried as i32);
    let factors: Vec<i64> = places
        .iter()
        .map(|place| match place {
            Some(place) if largest_of(place) <= limit => {
                let factor = (factor_of(place) * unit).round_ties_even() as i64;
                if place.negative { -factor } else { factor }
            }
            _ => 0,
        })
        .collect();
    if bits.is_none()
        && let Some(power) = exact_power(factor_of(places[0].as_ref().expect("one place holds x")))
        && let Ok(cut) = u32::try_from(SUM_BITS as i32 - power - result as i32)
        && (LEAST_CUT..=SUM_BITS).contains(&cut)
    {
        return l.truncate(sum, cut, result);
    }
    let frac = KEPT + carried;
    let value = match bits {
        Some(bits) => {
            let value = compare::rescale(l, bits, &factors, sum, SUM_BITS - KEPT, frac);
            let smallest = if function == Wide::Sqrt { 0.0 } else { (smallest * times).min(limit * 0.999) };
            let numbers: Vec<(usize, i64)> = places
                .iter()
                .enumerate()
                .filter_map(|(j, place)| {
                    let number = match place {
                        None => smallest,
                        Some(place) if largest_of(place) > limit => {
                            if place.negative {
                                -limit * 0.999
                            } else {
                                limit * 0.999
                            }
                        }
                        Some(_) => return None,
                    };
                    Some((j, (number * 2f64.powi(frac as i32)).round_ties_even() as i64))
                })
                .collect();
            if numbers.iter().all(|(_, number)| *number == 0) {
                value
            } else {
                let added = compare::constants(l, bits, &numbers, frac);
                l.push(RingOp::Add, &[value, added], &shape, frac)
            }
        }
        None => {
            let sum = l.truncate(sum, SUM_BITS - KEPT, KEPT);
            l.push(RingOp::Scale { factor: factors[0] }, &[sum], &shape, frac)
        }
    };
    l.at_frac(value, result)
}

/// The power of two that a number is, if it is one.
fn exact_power(x: f64) -> Option<i32> {
    (-62..62).find(|&power| 2f64.powi(power) == x)
}

/// 2^(power / 2).
fn half_power(power: f64) -> f64 {
    let whole = (power / 2.0).floor();
    let rest = if power / 2.0 == whole { 1.0 } else { std::f64::consts::SQRT_2 };
    2f64.powi(whole as i32) * rest
}

/// The thresholds, and what is between them: from the most negative to the largest; `None` where x is not above zero.
fn layout(domain: Domain) -> (Vec<Threshold>, Vec<Option<Place>>) {
    // powers of two at which a new interval begins, up to the first that x stays below
    let first = domain.least.map_or(STEP, |least| least / STEP * STEP + STEP);
    let exponents: Vec<u32> = (first..domain.bits).step_by(STEP as usize).collect();
    let last = exponents.last().map_or(first, |last| last + STEP).min(SCALED);
    let dropped = |exponent: u32| if exponent >= 2 * STEP { (exponent - STEP) / 4 * 4 } else { 0 };
    let mut thresholds = Vec::new();
    let mut places = Vec::new();
    let tops: Vec<u32> = exponents.iter().copied().chain([last]).collect();
    if domain.signed {
        for (i, &exponent) in tops.iter().enumerate().rev() {
            places.push(Some(Place { exponent, negative: true }));
            match i.checked_sub(1) {
                // [x < 1 - 2^t]: -2^t and below
                Some(i) => {
                    thresholds.push(Threshold { at: 1 - (1i64 << tops[i]), dropped: dropped(tops[i]) })
                }
                None => thresholds.push(Threshold { at: 0, dropped: 0 }),
            }
        }
    }
    if domain.least.is_none() {
        thresholds.push(Threshold { at: 1, dropped: 0 });
        places.push(None);
    }
    for (i, &exponent) in tops.iter().enumerate() {
        places.push(Some(Place { exponent, negative: false }));
        if i + 1 < tops.len() {
            thresholds.push(Threshold { at: 1i64 << exponent, dropped: dropped(exponent) });
        }
    }
    (thresholds, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_one_more_than_thresholds_and_ascend() {
        for (bits, least, signed) in [
            (46, None, false),
            (46, None, true),
            (62, Some(0), false),
            (30, Some(24), false),
            (25, Some(24), false),
        ] {
            let (thresholds, places) = layout(Domain { bits, least, signed });
            assert_eq!(places.len(), thresholds.len() + 1);
            assert!(thresholds.windows(2).all(|pair| pair[0].at < pair[1].at), "{thresholds:?}");
        }
        let (thresholds, places) = layout(Domain { bits: 25, least: Some(24), signed: false });
        assert!(thresholds.is_empty());
        assert_eq!(places[0].as_ref().map(|place| place.exponent), Some(28));
    }
}
