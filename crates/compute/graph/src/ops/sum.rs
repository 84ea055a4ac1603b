use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::shape::{one_number, reduce};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// The sum over `axes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// In ascending order, each once.
    pub axes: Vec<usize>,
    /// Whether summed axes stay, with size 1.
    pub keepdims: bool,
}

impl Operation for Sum {
    fn name(&self) -> &'static str {
        "Sum"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let (x, dtype) = one_number(inputs)?;
        Ok(Inferred { shape: reduce(x, &self.axes, self.keepdims)?, dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::reduce(x[0], &self.axes, self.keepdims, 0.0, |a, b| a + b)
    }

    fn range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        let terms = arrays::count_axes(types[0], &self.axes);
        Interval { min: terms * x[0].min, max: terms * x[0].max }
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let shape = b.shape(b.x(0));
        let part = b.expanded(b.g(), &self.axes, self.keepdims, shape)?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let op = RingOp::Sum { axes: self.axes.clone(), keepdims: self.keepdims };
        let shape = l.shape();
        Ok(l.push(op, &[x], &shape, frac))
    }
}
