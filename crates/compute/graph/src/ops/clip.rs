use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RangeBound, RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::{attribute, finite, one_fixed};
use super::{Inferred, Less, Not, Operation, Xor};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, compare};
use crate::types::{Interval, Type};

/// min(max(x, min), max).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    /// The lower bound, if any.
    pub min: Option<f64>,
    /// The upper bound, if any; not below `min`.
    pub max: Option<f64>,
}

impl Clip {
    fn of(&self, x: f64) -> f64 {
        let x = self.min.map_or(x, |min| x.max(min));
        self.max.map_or(x, |max| x.min(max))
    }

    /// The range bound of every result.
    fn bounds(&self, precision: u32) -> RangeBound {
        let at = |x: f64| RangeBound::of_reals(x, x, precision, 0.0);
        RangeBound {
            low: self.min.map_or(i64::MIN, |min| at(min).low),
            high: self.max.map_or(i64::MAX, |max| at(max).high),
        }
    }
}

impl Operation for Clip {
    fn name(&self) -> &'static str {
        "Clip"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        self.min.map_or(Ok(()), |min| finite("min", min))?;
        self.max.map_or(Ok(()), |max| finite("max", max))?;
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return attribute(format!("min {min} is above max {max}"));
        }
        Inferred::fixed(x.shape.clone())
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(|x| self.of(x))
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(self.of(constants[0]))
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: self.of(x[0].min), max: self.of(x[0].max) }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0] + 1.5 * d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        // the comparisons of the forward pass
        let (x, mut outside) = (b.x(0), None);
        if let Some(min) = self.min {
            let min = b.constant(vec![], min)?;
            outside = Some(b.add(Less, &[x, min])?);
        }
        if let Some(max) = self.max {
            let max = b.constant(vec![], max)?;
            let above = b.add(Less, &[max, x])?;
            outside = Some(match outside {
                Some(below) => b.add(Xor, &[below, above])?,
                None => above,
            });
        }
        let part = match outside {
            Some(outside) => {
                let inside = b.add(Not, &[outside])?;
                b.gated(inside, b.g())?
            }
            None => b.g(),
        };
        b.give(0, part)
    }

    /// Makes both comparisons in parallel, unless the range decides one. The three cases are exclusive and add up.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let (precision, frac) = (l.frac(), l.common_frac());
        let x = l.ring(0, frac)?;
        let shape = l.shape();
        let known = l.bounds(x);
        let mut outside = Vec::new();
        if let Some(min) = self.min
            && let bound = l.encode(min, frac)?
            && known.low < bound
        {
            let difference = if bound == 0 {
                x
            } else {
                let bound = l.constant(bound, &[], frac);
                l.push(RingOp::Sub, &[x, bound], &shape, frac)
            };
            outside.push((l.negative(difference), min));
        }
        if let Some(max) = self.max
            && let bound = l.encode(max, frac)?
            && known.high > bound
        {
            let bound = l.constant(bound, &[], frac);
            let difference = l.push(RingOp::Sub, &[bound, x], &shape, frac);
            outside.push((l.negative(difference), max));
        }
        let any = match outside[..] {
            [] => return Ok(x),
            [(bits, _)] => bits,
            _ => l.push_bits(RingOp::XorBits, &[outside[0].0, outside[1].0], &shape, 1),
        };
        let inside = l.push_bits(RingOp::NotBits, &[any], &shape, 1);
        let mut result = compare::choose(l, inside, &[x], precision);
        for (bits, bound) in outside {
            let bound = l.encode(bound, precision)?;
            if bound != 0 {
                let bound = l.constant(bound, &shape, precision);
                let part = compare::choose(l, bits, &[bound], precision);
                result = l.push(RingOp::Add, &[result, part], &shape, precision);
            }
        }
        l.within(result, self.bounds(precision));
        Ok(result)
    }
}
