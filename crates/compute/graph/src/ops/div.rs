use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::{arity, broadcast, kinds};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::scale::scale;
use crate::lower::wide::{Domain, Wide, wide};
use crate::types::{DType, Interval, Type};

/// a / b, elementwise with broadcasting. A divisor that is 0 or too small to represent counts as the smallest
/// representable number.
///
/// The reciprocal of a secret b has 8 more fractional bits than the session, so quotients must be below 2^(54 - 2 precision).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Div;

/// Additional fractional bits of the reciprocal, beyond the session's.
const MORE: u32 = 8;

impl Operation for Div {
    fn name(&self) -> &'static str {
        "Div"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [a, b] = arity(inputs, "two")?;
        kinds(inputs, DType::Fixed)?;
        Inferred::fixed(broadcast(&a.shape, &b.shape)?)
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::zip(x[0], x[1], |a, b| a / b)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0] / constants[1])
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        if x[1].min <= 0.0 && x[1].max >= 0.0 {
            // the quotient by the smallest number at the largest precision
            return Interval::symmetric(x[0].magnitude() * 2f64.powi(24));
        }
        let (a, b) = (1.0 / x[1].min, 1.0 / x[1].max);
        let corners = [x[0].min * a, x[0].min * b, x[0].max * a, x[0].max * b];
        let all = corners.iter().map(|&corner| Interval::new(corner, corner));
        all.reduce(Interval::hull).unwrap_or(Interval::symmetric(0.0))
    }

    /// A quotient by a secret is a product with the reciprocal's additional fractional bits.
    fn peak(&self, _x: &[Interval], types: &[&Type], result: Interval) -> f64 {
        let more = if types[1].visibility.is_clear() { 0 } else { MORE };
        result.magnitude() * 2f64.powi(more as i32)
    }

    fn plain_range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        if x[1].min <= 0.0 && x[1].max >= 0.0 {
            Interval::symmetric(f64::INFINITY)
        } else {
            self.range(x, types)
        }
    }

    /// The errors of a and of the reciprocal multiply out; where b could be 0, the bound covers every possible result.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let reciprocal = ndarray::Zip::from(d.values[1]).and(d.errors[1]).map_collect(|&b, &e| {
            let least = b.abs() - e;
            if least <= d.unit {
                return 2.0 / d.unit;
            }
            e / (least * least)
                + (1.0 / least) * (Wide::Reciprocal.error() + 2f64.powi(-17))
                + d.unit * 2f64.powi(-7)
        });
        let inverse = d.values[1].mapv(|b| if b == 0.0 { 1.0 / d.unit } else { 1.0 / b.abs() });
        let first = arrays::zip3(d.values[0], d.errors[0], &reciprocal, |a, e, r| (a.abs() + e) * r);
        let second = arrays::zip(d.errors[0], &inverse, |e, inverse| e * inverse);
        arrays::zip(&first, &second, |first, second| first + second + 3.0 * d.unit)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let first = b.add(Div, &[b.g(), b.x(1)])?;
        b.give(0, first)?;
        if b.wanted(1) {
            let part = b.mul(first, b.y())?;
            let part = b.scaled(part, -1.0)?;
            b.give(1, part)?;
        }
        Ok(())
    }

    /// A public constant divisor becomes a scale, any other a reciprocal. (Optimisation removes other divisors known in
    /// the clear.)
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let shape = l.shape();
        if let Some(c) = l.uniform(1) {
            let frac = l.working_frac();
            let x = l.ring(0, frac)?;
            let scaled = scale(l, x, 1.0 / c)?;
            return Ok(l.broadcast(scaled, &shape));
        }
        let precision = l.precision();
        let b = l.ring(1, precision)?;
        let range = l.range(1);
        let both = Interval::new(0.0, range.magnitude());
        let domain = match range.min >= 0.0 {
            true => Domain::of(range, precision, precision),
            false => Domain { signed: true, ..Domain::of(both, precision, precision) },
        };
        let reciprocal = wide(l, Wide::Reciprocal, b, domain, precision + MORE);
        let a = l.ring(0, precision)?;
        let quotient = l.push(RingOp::Mul, &[a, reciprocal], &shape, 2 * precision + MORE);
        Ok(l.at_frac(quotient, precision))
    }
}
