//! How far a fixed-point evaluation may be from the one in f64: what the error rules of operations share.
//!
//! A rule bounds each element's distance from given bounds on the inputs' elements. One unit is 2^-precision. A
//! leaf is off by at most half a unit. A truncation, whatever its rounding (floor, nearest, the masks'), is off by
//! less than one unit. A product is truncated by each of its consumers at most once, so the rule of the operation
//! that multiplies charges that unit. Comparisons that a deviation could turn are bounded by all that could follow.

use ndarray::ArrayD;

/// What an error rule is given.
pub(crate) struct Deviation<'a> {
    /// The inputs in f64.
    pub(crate) values: &'a [&'a ArrayD<f64>],
    /// The bound on each element's error of the inputs.
    pub(crate) errors: &'a [&'a ArrayD<f64>],
    /// The result in f64.
    pub(crate) result: &'a ArrayD<f64>,
    /// 2^-precision.
    pub(crate) unit: f64,
}
