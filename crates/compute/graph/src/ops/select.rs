use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};
use tacita_ring::broadcast_shapes;

use super::error_rule::Deviation;
use super::shape::{arity, broadcast, kinds};
use super::{Inferred, Not, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, compare, logic};
use crate::types::{DType, Interval, Type};

/// `a` where the bit is 1, else `b`, with broadcasting. Inputs bit, a, b; a and b have the same type, which may be any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Select;

impl Operation for Select {
    fn name(&self) -> &'static str {
        "Select"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [bit, a, b] = arity(inputs, "three")?;
        kinds(&[bit], DType::Bit)?;
        if a.dtype != b.dtype {
            return Err(InferError::DType { input: 2, expected: a.dtype, got: b.dtype });
        }
        Ok(Inferred { shape: broadcast(&bit.shape, &broadcast(&a.shape, &b.shape)?)?, dtype: a.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::zip3(x[0], x[1], x[2], |bit, a, b| if bit != 0.0 { a } else { b })
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[1].hull(x[2])
    }

    /// The error of the selected value, plus its truncation; where the bit is uncertain, the distance to the other
    /// value.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let either = arrays::zip(d.errors[1], d.errors[2], f64::max);
        let apart = arrays::zip(d.values[1], d.values[2], |a, b| (a - b).abs());
        let uncertain =
            arrays::zip3(
                d.errors[0],
                &apart,
                &either,
                |bit, apart, error| {
                    if bit > 0.0 { apart + error } else { error }
                },
            );
        uncertain + d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let g = b.g();
        if !b.wanted(2) {
            let part = b.gated(b.x(0), g)?;
            return b.give(1, part);
        }
        let not = b.add(Not, &[b.x(0)])?;
        let second = b.gated(not, g)?;
        b.give(2, second)?;
        if b.wanted(1) {
            // one selection serves both
            let first = b.sub(g, second)?;
            b.give(1, first)?;
        }
        Ok(())
    }

    /// A value that needs truncation is selected by packed bits and truncated at once. Otherwise the bit is an integer
    /// in the ring, and b + bit * (a - b) is exact modulo 2^64. Three packed bits use b + bit * (a + b) modulo 2.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let (precision, frac) = (l.frac(), l.common_frac());
        let shape = l.shape();
        let packed = l.bits(0).map(|bits| l.broadcast(bits, &shape));
        if let (Some(bit), Some(a), Some(b)) = (packed, l.bits(1), l.bits(2)) {
            let [a, b] = [a, b].map(|bits| l.broadcast(bits, &shape));
            let apart = l.push_bits(RingOp::XorBits, &[a, b], &shape, 1);
            let chosen = logic::product(l, &[bit, apart]);
            return Ok(l.push_bits(RingOp::XorBits, &[b, chosen], &shape, 1));
        }
        let (a, b) = (l.ring(1, frac)?, l.ring(2, frac)?);
        if let Some(bits) = packed
            && frac > precision
        {
            let (a, b) = (l.broadcast(a, &shape), l.broadcast(b, &shape));
            let first = compare::choose(l, bits, &[a], precision);
            if l.uniform(2) == Some(0.0) {
                return Ok(first);
            }
            let others = l.push_bits(RingOp::NotBits, &[bits], &shape, 1);
            let second = compare::choose(l, others, &[b], precision);
            return Ok(l.push(RingOp::Add, &[first, second], &shape, precision));
        }
        let apart =
            broadcast_shapes(&l.input_shape(1), &l.input_shape(2)).expect("inference checked the shapes");
        let apart = l.push(RingOp::Sub, &[a, b], &apart, frac);
        let chosen = match packed {
            Some(bits) => {
                let apart = l.broadcast(apart, &shape);
                compare::choose(l, bits, &[apart], frac)
            }
            None => {
                let bit = l.ring(0, 0)?;
                l.push(RingOp::Mul, &[bit, apart], &shape, frac)
            }
        };
        Ok(l.push(RingOp::Add, &[b, chosen], &shape, frac))
    }
}
