use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::{arity, attribute, finite, kinds, misfit};
use super::{Inferred, Operation, Rsqrt, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{DType, Interval, Type};

/// (x - mean) / sqrt(var + epsilon) * scale + bias by channel, axis 1. Inputs x (n, c, ...), then scale, bias, mean and
/// var, each (c).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchNorm {
    /// Added to the variance so that the root stays away from 0; not negative.
    pub epsilon: f64,
}

impl Operation for BatchNorm {
    fn name(&self) -> &'static str {
        "BatchNorm"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x, parameters @ ..] = arity::<5>(inputs, "five")?;
        kinds(inputs, DType::Fixed)?;
        finite("epsilon", self.epsilon)?;
        if self.epsilon < 0.0 {
            return attribute("epsilon is negative");
        }
        let Some(&channels) = x.shape.get(1) else {
            return misfit(x, "axis 1 must be channels");
        };
        if let Some(parameter) = parameters.iter().find(|parameter| parameter.shape != [channels]) {
            let (left, right) = (x.shape.clone(), parameter.shape.clone());
            return Err(InferError::Shapes {
                left,
                right,
                reason: "a parameter needs one number for each channel",
            });
        }
        Inferred::fixed(x.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let mut shape = vec![1; x[0].ndim() - 1];
        shape[0] = x[1].len();
        let [scale, bias, mean, var] = [1, 2, 3, 4].map(|i| arrays::reshape(x[i], &shape));
        let factor = arrays::zip(&scale, &var, |scale, var| scale / (var + self.epsilon).sqrt());
        let shift = arrays::zip3(&bias, &mean, &factor, |bias, mean, factor| bias - mean * factor);
        arrays::zip3(x[0], &factor, &shift, |x, factor, shift| x * factor + shift)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        let least = (x[4].min + self.epsilon).max(f64::MIN_POSITIVE).sqrt();
        let factor = x[1].magnitude() / least;
        Interval::symmetric((x[0].magnitude() + x[3].magnitude()) * factor + x[2].magnitude())
    }

    /// Batch norms are rewritten before lowering: see `lower`.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        ArrayD::from_elem(d.result.raw_dim(), f64::INFINITY)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let (x, g) = (b.x(0), b.g());
        let rank = b.shape(x).len();
        let by_channel = |b: &mut Backward<'_>, id| {
            let mut shape = vec![1; rank - 1];
            shape[0] = b.shape(id)[0];
            b.reshape(id, shape)
        };
        let onto = |b: &mut Backward<'_>, i: usize, id| {
            let axes = (0..rank).filter(|&axis| axis != 1).collect();
            let sum = b.sum(id, axes, false)?;
            b.give(i, sum)
        };
        let [scale, mean, variance] = [b.x(1), b.x(3), b.x(4)];
        let variance = b.shifted(variance, self.epsilon)?;
        let root = b.add(Rsqrt, &[variance])?;
        let root = by_channel(b, root)?;
        let (scale, mean) = (by_channel(b, scale)?, by_channel(b, mean)?);
        let factor = b.mul(scale, root)?;
        let of_x = b.mul(g, factor)?;
        b.give(0, of_x)?;
        if b.wanted(1) || b.wanted(4) {
            let deviation = b.sub(x, mean)?;
            let normal = b.mul(deviation, root)?;
            let along = b.mul(g, normal)?;
            if b.wanted(1) {
                onto(b, 1, along)?;
            }
            if b.wanted(4) {
                let square = b.mul(root, root)?;
                let part = b.mul(along, scale)?;
                let part = b.mul(part, square)?;
                let part = b.scaled(part, -0.5)?;
                onto(b, 4, part)?;
            }
        }
        if b.wanted(2) {
            onto(b, 2, g)?;
        }
        if b.wanted(3) {
            let part = b.scaled(of_x, -1.0)?;
            onto(b, 3, part)?;
        }
        Ok(())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        Err(l.unsupported(
            "run `optimize` first; it folds batch norms into what is before them, or makes them a scale and a shift",
        ))
    }
}
