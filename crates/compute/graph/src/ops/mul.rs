use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::arithmetic;
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::scale::scale;
use crate::types::{Interval, Type};

/// a * b, elementwise with broadcasting; `a` and `b` may be the same node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mul;

impl Operation for Mul {
    fn name(&self) -> &'static str {
        "Mul"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        arithmetic(inputs)
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::zip(x[0], x[1], |a, b| a * b)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0] * constants[1])
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        let corners = [x[0].min * x[1].min, x[0].min * x[1].max, x[0].max * x[1].min, x[0].max * x[1].max];
        let interval = |a: f64| Interval::new(a, a);
        corners.iter().skip(1).fold(interval(corners[0]), |hull, &corner| hull.hull(interval(corner)))
    }

    /// Errors multiply out. One unit is for the truncation of the result; two are for a value that loses more than its
    /// own fractional bits before it meets a small constant, which at most doubles the error.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let (a, b) = (d.values[0], d.values[1]);
        let (ea, eb) = (d.errors[0], d.errors[1]);
        let first = arrays::zip(a, eb, |a, eb| a.abs() * eb);
        let second = arrays::zip3(b, ea, eb, |b, ea, eb| (b.abs() + eb) * ea);
        arrays::zip(&first, &second, |first, second| first + second + 3.0 * d.unit)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let g = b.g();
        for (i, other) in [(0, b.x(1)), (1, b.x(0))] {
            if b.wanted(i) {
                let part = b.mul(g, other)?;
                b.give(i, part)?;
            }
        }
        Ok(())
    }

    /// A product by a public constant is a scale. Otherwise both inputs have the session's precision and the result
    /// twice that.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let shape = l.shape();
        for (constant, other) in [(1, 0), (0, 1)] {
            if let Some(c) = l.uniform(constant) {
                let frac = l.working_frac();
                let x = l.ring(other, frac)?;
                let scaled = scale(l, x, c)?;
                return Ok(l.broadcast(scaled, &shape));
            }
        }
        let frac = l.factor_frac();
        let (a, b) = (l.ring(0, frac)?, l.ring(1, frac)?);
        Ok(l.push(RingOp::Mul, &[a, b], &shape, 2 * frac))
    }
}
