//! Bounds on the distance between a fixed-point evaluation and the one in f64: terms shared by the operations' error
//! rules.
//!
//! A rule bounds each element's distance, given bounds on the inputs' elements. One unit is 2^-precision. A leaf is off
//! by at most half a unit. A truncation with any rounding (floor, nearest, the masks') is off by less than one unit.
//! Each consumer truncates a product at most once, so the rule of the multiplying operation includes that unit. If an
//! error could change a comparison, the bound covers every consequence.

use ndarray::ArrayD;

/// The inputs of an error rule.
pub(crate) struct Deviation<'a> {
    /// The inputs in f64.
    pub(crate) values: &'a [&'a ArrayD<f64>],
    /// Bounds on the error of each input element.
    pub(crate) errors: &'a [&'a ArrayD<f64>],
    /// The result in f64.
    pub(crate) result: &'a ArrayD<f64>,
    /// 2^-precision.
    pub(crate) unit: f64,
}
