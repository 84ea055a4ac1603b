use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::{arity, attribute, kinds};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::lower::logic;
use crate::types::{DType, Interval, Type};

/// Bits along a new last axis of size `depth`; the bit at the index is 1. A negative index counts from the end, as in
/// NumPy and ONNX. For an index below `-depth`, or not below `depth`, all bits are 0. Indices are integers below 2^61
/// in absolute value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneHot {
    /// The size of the new axis.
    pub depth: usize,
}

/// The largest depth. The trusted dealer sends at least as many ring elements for each index.
const DEEPEST: usize = 1 << 20;

impl Operation for OneHot {
    fn name(&self) -> &'static str {
        "OneHot"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        kinds(inputs, DType::Int)?;
        if !(1..=DEEPEST).contains(&self.depth) {
            return attribute(format!("depth {} is not between 1 and {DEEPEST}", self.depth));
        }
        let shape = x.shape.iter().copied().chain([self.depth]).collect();
        Ok(Inferred { shape, dtype: DType::Bit })
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let depth = self.depth as f64;
        let hot = |&x: &f64| {
            let index = if x < 0.0 { x + depth } else { x };
            (0..self.depth).map(move |at| f64::from(u8::from(at as f64 == index)))
        };
        let shape: Vec<usize> = x[0].shape().iter().copied().chain([self.depth]).collect();
        let bits = x[0].iter().flat_map(hot).collect();
        ArrayD::from_shape_vec(shape, bits).expect("as many bits as the shape says")
    }

    fn range(&self, _x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: 0.0, max: 1.0 }
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let mut errors = d.errors[0].clone();
        errors.insert_axis_inplace(ndarray::Axis(errors.ndim()));
        arrays::expand(&errors, d.result.shape()).mapv(|error| f64::from(u8::from(error > 0.0)))
    }

    /// The index modulo a power of two with a place for every valid index, negative ones at its end. Unless the range
    /// bound shows that all indices are valid, one more place takes the invalid ones.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let (depth, interval) = (self.depth, l.range(0));
        let mut x = l.ring(0, 0)?;
        let from = l.shape_of(x).to_vec();
        let negative = interval.min < 0.0;
        let known = interval.max < depth as f64 && interval.min >= -(depth as f64);
        let places = depth * (1 + usize::from(negative)) + usize::from(!known);
        if !known {
            // below depth but not below -depth: an xor, because the second condition implies the first
            let below = [depth as i64, -(depth as i64)].map(|bound| {
                let bound = l.constant(bound, &[], 0);
                let apart = l.push(RingOp::Sub, &[x, bound], &from, 0);
                l.negative(apart)
            });
            let counts = l.push_bits(RingOp::XorBits, &below, &from, 1);
            let spare = l.constant(depth as i64, &[], 0);
            let apart = l.push(RingOp::Sub, &[x, spare], &from, 0);
            let kept = l.push(RingOp::Select { truncate: vec![0] }, &[counts, apart], &from, 0);
            x = l.push(RingOp::Add, &[kept, spare], &from, 0);
        }
        let bits = places.next_power_of_two().trailing_zeros().max(1);
        let size = 1usize << bits;
        let wide = [&from[..], &[size]].concat();
        let shape = l.shape();
        let hot = l.push(RingOp::OneHot { bits }, &[x], &wide, 0);
        let first = logic::part(l, hot, 0..depth, &shape);
        if !negative {
            return Ok(first);
        }
        let last = logic::part(l, hot, size - depth..size, &shape);
        Ok(l.push(RingOp::Add, &[first, last], &shape, 0))
    }
}
