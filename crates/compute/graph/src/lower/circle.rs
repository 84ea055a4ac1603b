//! Sine and cosine: one harmonic that is the function itself, truncated.

use ndarray::ArrayD;
use tacita_program::RingId;

use super::Lowering;
use super::fits::Fit;
use super::gate::harmonics;
use crate::error::GraphError;
use crate::ops::error_rule::Deviation;

/// The function of input 0, which first gets the session's fractional bits: with more, a unit is so small an angle that the
/// integer of 2^-64ths of a turn which stands for it is coarse.
pub(crate) fn circle(l: &mut Lowering<'_>, function: &Fit) -> Result<RingId, GraphError> {
    let precision = l.precision();
    let x = l.ring(0, precision)?;
    let sum = harmonics(l, x, function, 0.0);
    Ok(l.at_frac(sum, precision))
}

/// A unit is 2^64 unit / 2π of these parts of a turn, rounded by half a one: an angle is off by that part of itself. Its own
/// truncation and the result's are a unit each.
pub(crate) fn error(d: &Deviation<'_>) -> ArrayD<f64> {
    let parts = 2f64.powi(64) * d.unit / std::f64::consts::TAU;
    d.values[0].mapv(|x| x.abs() / parts) + d.errors[0] + 3.0 * d.unit
}
