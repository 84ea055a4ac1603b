use ndarray::ArrayD;
use serde::{Deserialize, Serialize};

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::lower::Lowering;
use crate::program::RingId;
use crate::types::{Interval, Type};

/// The square root of x >= 0; of clear values only, for folding batch norms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sqrt;

impl Operation for Sqrt {
    fn name(&self) -> &'static str {
        "Sqrt"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(|x| x.sqrt())
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(constants[0].sqrt())
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: x[0].min.max(0.0).sqrt(), max: x[0].max.max(0.0).sqrt() }
    }

    /// Never lowered: see `lower`.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        ArrayD::from_elem(d.result.raw_dim(), f64::INFINITY)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        Err(l.unsupported("square roots have no private protocol yet; only clear values have them"))
    }
}
