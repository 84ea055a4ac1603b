use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::{attribute, one_fixed};
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// x with this number of fractional bits, independent of the session's. Surplus bits are truncated; additional bits are
/// exact from then on. For an owner's own x the operation is free, because x is encoded with this precision.
///
/// An operation that moves, adds, compares or selects values keeps the most fractional bits among its inputs. Products,
/// functions and sorting take and give the session's. A value must stay below 2^(62 - bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precision {
    /// At most [`Precision::MOST`].
    pub bits: u32,
}

impl Precision {
    /// The largest number of fractional bits.
    pub const MOST: u32 = 40;
}

impl Operation for Precision {
    fn name(&self) -> &'static str {
        "Precision"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        if self.bits > Precision::MOST {
            return attribute(format!(
                "{} fractional bits; at most {} are possible",
                self.bits,
                Precision::MOST
            ));
        }
        Inferred::fixed(x.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].clone()
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    fn frac(&self, _x: &[u32], _session: u32) -> u32 {
        self.bits
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0] + d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        b.give(0, b.g())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        l.ring(0, self.bits)
    }
}
