use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::{one_fixed, reduce};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::scale::{quantisation, scale};
use crate::types::{Interval, Type, dims};

/// The mean over `axes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// In ascending order, each once.
    pub axes: Vec<usize>,
    /// Whether these axes stay, with size 1.
    pub keepdims: bool,
}

impl Operation for Mean {
    fn name(&self) -> &'static str {
        "Mean"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(reduce(one_fixed(inputs)?, &self.axes, self.keepdims)?)
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let terms: usize = self.axes.iter().map(|&axis| x[0].shape()[axis]).product();
        arrays::reduce(x[0], &self.axes, self.keepdims, 0.0, |a, b| a + b) / terms as f64
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    /// The sum, which the ring holds before the division.
    fn peak(&self, x: &[Interval], types: &[&Type], _result: Interval) -> f64 {
        arrays::count_axes(types[0], &self.axes) * x[0].magnitude()
    }

    /// The mean of the errors, the error of 1/n times the sum, two units for the sum's truncation and one for the
    /// result's.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let terms: usize = self.axes.iter().map(|&axis| d.values[0].shape()[axis]).product();
        let off = terms as f64 * quantisation(1.0 / terms as f64, (-d.unit.log2()).round() as u32);
        arrays::zip(&self.plain(d.errors), d.result, |error, mean| {
            error * (1.0 + off) + mean.abs() * off + 3.0 * d.unit
        })
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let sizes = b.shape(b.x(0));
        let count: usize = self.axes.iter().map(|&axis| sizes[axis]).product();
        let part = b.scaled(b.g(), 1.0 / count as f64)?;
        let part = b.expanded(part, &self.axes, self.keepdims, dims(&sizes))?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.working_frac();
        let x = l.ring(0, frac)?;
        let terms: usize = self.axes.iter().map(|&axis| l.shape_of(x)[axis]).product();
        let op = RingOp::Sum { axes: self.axes.clone(), keepdims: self.keepdims };
        let shape = l.shape();
        let sum = l.push(op, &[x], &shape, frac);
        scale(l, sum, 1.0 / terms as f64)
    }
}
