use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::{Inferred, MaxPool, MaxPoolGradient, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::pool::max_pool;
use crate::types::{Interval, Type};

/// max(0, the maximum over a sliding window), with zero as one more candidate. A rewrite fuses `MaxPool` and `Relu`
/// into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReluMaxPool {
    /// The window.
    pub pool: MaxPool,
}

impl Operation for ReluMaxPool {
    fn name(&self) -> &'static str {
        "ReluMaxPool"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        self.pool.infer(inputs)
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::windows(x[0], &self.pool.axes(), 0.0, f64::max)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0].clamp_to(Interval { min: 0.0, max: f64::MAX })
    }

    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        self.pool.error(d)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let part = MaxPoolGradient { pool: self.pool.clone(), relu: true }.route(b, b.x(0), b.g())?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        max_pool(l, &self.pool.axes(), true)
    }
}
