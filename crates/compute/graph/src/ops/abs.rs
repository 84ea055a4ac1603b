use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::one_number;
use super::{Inferred, Less, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, compare, logic};
use crate::types::{Interval, Type};

/// |x|.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abs;

impl Operation for Abs {
    fn name(&self) -> &'static str {
        "Abs"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let (x, dtype) = one_number(inputs)?;
        Ok(Inferred { shape: x.shape.clone(), dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(f64::abs)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0].abs())
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        let min = if x[0].min <= 0.0 && x[0].max >= 0.0 { 0.0 } else { x[0].min.abs().min(x[0].max.abs()) };
        Interval { min, max: x[0].magnitude() }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0] + d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        // the comparison of the forward pass
        let zero = b.constant(vec![], 0.0)?;
        let negative = b.add(Less, &[b.x(0), zero])?;
        let turned = b.gated(negative, b.g())?;
        let twice = b.scaled(turned, 2.0)?;
        let part = b.sub(b.g(), twice)?;
        b.give(0, part)
    }

    /// x - 2 [x < 0] x. If x needs truncation, the sign selects x or -x instead.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let (precision, frac) = (l.frac(), l.common_frac());
        let x = l.ring(0, frac)?;
        let shape = l.shape();
        let bounds = l.bounds(x);
        if bounds.low >= 0 {
            return Ok(l.at_frac(x, precision));
        }
        let below = l.negative(x);
        if frac <= precision {
            let apart = l.push(RingOp::Scale { factor: -2 }, &[x], &shape, frac);
            let apart = compare::choose(l, below, &[apart], frac);
            let result = l.push(RingOp::Add, &[x, apart], &shape, frac);
            l.within(result, bounds.magnitude());
            return Ok(result);
        }
        let opposite = l.push(RingOp::Neg, &[x], &shape, frac);
        let above = logic::not(l, below);
        let first = compare::choose(l, below, &[opposite], precision);
        let second = compare::choose(l, above, &[x], precision);
        let result = l.push(RingOp::Add, &[first, second], &shape, precision);
        l.within(result, bounds.magnitude().truncated(frac - precision));
        Ok(result)
    }
}
