use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::one_sorted;
use super::{ArgSort, Cast, Inferred, OneHot, Operation, ToWhole, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::sort::{Column, sorted};
use crate::types::{DType, Interval, Type, dims};

/// The values along `axis` in order. Of equal values the lower index comes first, ascending and descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// The axis.
    pub axis: usize,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Operation for Sort {
    fn name(&self) -> &'static str {
        "Sort"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let (x, dtype) = one_sorted(inputs, self.axis)?;
        Ok(Inferred { shape: x.shape.clone(), dtype })
    }

    /// At most the session's: keys need room for their indices.
    fn frac(&self, x: &[u32], session: u32) -> u32 {
        x.iter().copied().max().unwrap_or(session).min(session)
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::in_order(x[0], self.axis, self.descending, |value, _| value)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    /// No order statistic moves further than the most perturbed value; one unit is for the truncation.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::furthest(d.errors[0], self.axis) + d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        // element i of the result is the sum of P_ij x_j
        let sizes = b.shape(b.x(0));
        let rank = sizes.len();
        let order = b.add(ArgSort { axis: self.axis, descending: self.descending }, &[b.x(0)])?;
        let hot = b.add(OneHot { depth: sizes[self.axis] }, &[order])?;
        let hot = b.add(Cast { to: DType::Fixed, rounding: ToWhole::Nearest }, &[hot])?;
        let g = b.reshape(b.g(), dims(&[&sizes[..], &[1]].concat()))?;
        let placed = b.mul(hot, g)?;
        let sums = b.sum(placed, vec![self.axis], false)?;
        // the last axis is x's
        let perm = (0..self.axis).chain([rank - 1]).chain(self.axis..rank - 1).collect();
        let part = b.transpose(sums, perm)?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        sorted(l, self.axis, self.descending, Column::Values)
    }
}
