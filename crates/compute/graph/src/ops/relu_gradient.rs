use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::{arity, kinds, secret_unless_known};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, compare};
use crate::types::{DType, Interval, Type};

/// The derivative of max(x, 0): g where x is not negative, else 0. Inputs x, g of one shape. Reuses the comparison of
/// `Relu` on x. (At 0, where any number from 0 to g is a subgradient, it is g.)
///
/// x is secret, or both are known. If an owner knows x alone, select by `GreaterEqual` of x and 0 instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReluGradient;

impl Operation for ReluGradient {
    fn name(&self) -> &'static str {
        "ReluGradient"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x, g] = arity(inputs, "two")?;
        kinds(inputs, DType::Fixed)?;
        if x.shape != g.shape {
            let reason = "what reaches a value has its shape";
            return Err(InferError::Shapes { left: x.shape.clone(), right: g.shape.clone(), reason });
        }
        secret_unless_known(inputs)?;
        Inferred::fixed(x.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::zip(x[0], x[1], |x, g| if x >= 0.0 { g } else { 0.0 })
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[1].hull(Interval::new(0.0, 0.0))
    }

    /// A truncation; all of g where the sign of x is uncertain.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let doubt = arrays::zip3(d.values[0], d.errors[0], d.values[1], |x, error, g| {
            if x.abs() <= error + d.unit { g.abs() } else { 0.0 }
        });
        arrays::zip(&doubt, d.errors[1], |doubt, error| doubt + error + d.unit)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        if b.wanted(1) {
            let part = b.step(b.x(0), b.g())?;
            b.give(1, part)?;
        }
        Ok(())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let (of_x, of_g, precision) = (l.own_frac(0), l.own_frac(1).max(l.precision()), l.precision());
        let (x, g) = (l.ring(0, of_x)?, l.ring(1, of_g)?);
        let bits = compare::not_negative(l, x, l.input_frac(0));
        let zero = l.constant(0, &l.shape(), of_g);
        Ok(compare::choose(l, bits, &[zero, g], precision))
    }
}
