use ndarray::ArrayD;
use serde::{Deserialize, Serialize};

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::program::RingId;
use crate::types::{Interval, Type};

/// 1 / x; of clear values only, for folding batch norms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reciprocal;

impl Operation for Reciprocal {
    fn name(&self) -> &'static str {
        "Reciprocal"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(|x| 1.0 / x)
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(1.0 / constants[0])
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        if x[0].min <= 0.0 && x[0].max >= 0.0 {
            return Interval::symmetric(f64::MAX);
        }
        Interval::new(1.0 / x[0].min, 1.0 / x[0].max)
    }

    /// Never lowered: see `lower`.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        ArrayD::from_elem(d.result.raw_dim(), f64::INFINITY)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        Err(l.unsupported("reciprocals have no private protocol yet; only clear values have them"))
    }
}
