use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::shape::{arity, attribute, axis};
use super::{Combine, Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// The elements of x at public indices along an axis. Indices may repeat or be omitted, and one special index stands
/// for zeros. Any type.
///
/// Serves every movement along an axis: reversing, rolling, repeating, padding, stretching with zeros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gather {
    /// The axis.
    pub axis: usize,
    /// Below the axis' size, or [`Gather::ZERO`].
    pub indices: Vec<u32>,
}

impl Gather {
    /// The index that stands for zeros.
    pub const ZERO: u32 = u32::MAX;

    fn has_zeros(&self) -> bool {
        self.indices.contains(&Gather::ZERO)
    }
}

impl Operation for Gather {
    fn name(&self) -> &'static str {
        "Gather"
    }

    fn listed(&self) -> usize {
        self.indices.len()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        axis(x, self.axis)?;
        let size = x.shape[self.axis];
        let beyond = |&&index: &&u32| index != Gather::ZERO && index as usize >= size;
        if let Some(index) = self.indices.iter().find(beyond) {
            return attribute(format!("index {index} along axis {} of size {size}", self.axis));
        }
        let mut shape = x.shape.clone();
        shape[self.axis] = self.indices.len();
        Ok(Inferred { shape, dtype: x.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let mut shape = x[0].shape().to_vec();
        shape[self.axis] = self.indices.len();
        let mut result = ArrayD::zeros(shape);
        for (mut to, &index) in result.axis_iter_mut(Axis(self.axis)).zip(&self.indices) {
            if index != Gather::ZERO {
                to.assign(&x[0].index_axis(Axis(self.axis), index as usize));
            }
        }
        result
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        constants.first().copied().filter(|value| !self.has_zeros() || *value == 0.0)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        if self.has_zeros() { x[0].hull(Interval::new(0.0, 0.0)) } else { x[0] }
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let size = b.shape(b.x(0))[self.axis];
        let mut rows = vec![Vec::new(); size];
        let taken = self.indices.iter().enumerate().filter(|(_, index)| **index != Gather::ZERO);
        taken.for_each(|(at, &index)| rows[index as usize].push((at as u32, 1.0)));
        let part = match rows.iter().map(Vec::len).max() {
            None | Some(0) => {
                let shape = b.shape(b.x(0));
                b.constant(shape, 0.0)?
            }
            Some(1) => {
                let place = |row: &Vec<(u32, f64)>| row.first().map_or(Gather::ZERO, |(at, _)| *at);
                let indices = rows.iter().map(place).collect();
                b.add(Gather { axis: self.axis, indices }, &[b.g()])?
            }
            Some(_) => b.add(Combine { axis: self.axis, rows }, &[b.g()])?,
        };
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let shape = l.shape();
        let op = RingOp::Gather { axis: self.axis, indices: self.indices.clone() };
        Ok(l.push(op, &[x], &shape, frac))
    }
}
