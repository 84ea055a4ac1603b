use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::{attribute, finite, one_fixed, reduce};
use super::{Inferred, Operation, Rsqrt, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::{Lowering, normalize};
use crate::types::{Interval, Type};

/// (x - mean) / √(variance + ε) over axes; without `centre` x / √(mean of x² + ε). The common core of layer, group,
/// instance and RMS norm.
///
/// At 16 fractional bits means must be below 2^16, and sums of squares of deviations below 2^30.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalize {
    /// In ascending order.
    pub axes: Vec<usize>,
    /// ε, above 0.
    pub epsilon: f64,
    /// Whether to subtract the mean.
    pub centre: bool,
}

impl Normalize {
    /// Mean (or 0) and 1/√(variance + ε), axes of size 1.
    fn moments(&self, x: &ArrayD<f64>) -> (ArrayD<f64>, ArrayD<f64>) {
        let n: f64 = self.axes.iter().map(|&axis| x.shape()[axis] as f64).product();
        let sum = |x: &ArrayD<f64>| {
            self.axes.iter().fold(x.clone(), |sum, &axis| sum.sum_axis(Axis(axis)).insert_axis(Axis(axis)))
        };
        let total = sum(x);
        let mean = if self.centre { total / n } else { ArrayD::zeros(total.raw_dim()) };
        let deviation = x - &mean;
        let variance = sum(&(&deviation * &deviation)) / n;
        (mean, variance.mapv(|v| 1.0 / (v + self.epsilon).sqrt()))
    }
}

impl Operation for Normalize {
    fn name(&self) -> &'static str {
        "Normalize"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        finite("epsilon", self.epsilon)?;
        if self.epsilon <= 0.0 {
            return attribute(format!("epsilon {} is not above 0", self.epsilon));
        }
        if self.axes.is_empty() {
            return attribute("there are no axes to normalise over");
        }
        reduce(x, &self.axes, true)?;
        Inferred::fixed(x.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let (mean, root) = self.moments(x[0]);
        (x[0] - &mean) * &root
    }

    fn range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        let most = arrays::count_axes(types[0], &self.axes).sqrt();
        Interval::symmetric(most.min(2.0 * x[0].magnitude() / self.epsilon.sqrt()))
    }

    /// A mean carries 30 additional bits, and the sum of squared deviations carries twice the precision; both bounds
    /// follow from the range bound of x. The largest deviation is twice x.
    fn peak(&self, x: &[Interval], types: &[&Type], result: Interval) -> f64 {
        let n = arrays::count_axes(types[0], &self.axes);
        let deviation = if self.centre { 2.0 * x[0].magnitude() } else { x[0].magnitude() };
        result.magnitude().max(n * deviation * deviation)
    }

    /// Let e be the largest error of x in a row. Deviations are off by 2 e + 2 units; 1/σ is off relatively by that
    /// over σ and the fit's error. The result's truncation comes on top.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let (_, root) = self.moments(d.values[0]);
        let widest = self.axes.iter().fold(d.errors[0].clone(), |errors, &axis| {
            let largest = errors.map_axis(Axis(axis), |lane| lane.fold(0.0, |a: f64, &b| a.max(b)));
            largest.insert_axis(Axis(axis))
        });
        let n: f64 = self.axes.iter().map(|&axis| d.values[0].shape()[axis] as f64).product();
        // σ + ε changes by at most √(mean of the deviations' squared errors)
        let off = widest.mapv(|e| 2.0 * e + 2.0 * d.unit);
        let relative = ndarray::Zip::from(&off).and(&root).map_collect(|&off, &root| {
            let part = off * root + d.unit * d.unit / n * root * root;
            if part < 0.5 { part / (1.0 - part) + 2f64.powi(-13) } else { f64::INFINITY }
        });
        let shape = d.result.raw_dim();
        let wide = |x: &ArrayD<f64>| x.broadcast(shape.clone()).expect("axes of size 1 stretch").to_owned();
        let first = wide(&(&off * &root));
        let relative = wide(&relative);
        &first + &(&relative * &(d.result.mapv(f64::abs) + &first)) + 2.0 * d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let (x, y, g) = (b.x(0), b.y(), b.g());
        let sizes = b.shape(x);
        let n = self.axes.iter().map(|&axis| sizes[axis]).product::<usize>() as f64;
        let mean = |b: &mut Backward<'_>, x| {
            let sum = b.sum(x, self.axes.clone(), true)?;
            b.scaled(sum, 1.0 / n)
        };
        let deviation = if self.centre {
            let of_x = mean(b, x)?;
            b.sub(x, of_x)?
        } else {
            x
        };
        let square = b.mul(deviation, deviation)?;
        let variance = mean(b, square)?;
        let variance = b.shifted(variance, self.epsilon)?;
        let root = b.add(Rsqrt, &[variance])?;
        let along = b.mul(g, y)?;
        let along = mean(b, along)?;
        let along = b.mul(y, along)?;
        let mut rest = b.sub(g, along)?;
        if self.centre {
            let of_g = mean(b, g)?;
            rest = b.sub(rest, of_g)?;
        }
        let part = b.mul(rest, root)?;
        b.give(0, part)
    }

    /// A mean, deviations, the sum of their squares, its reciprocal root with 30 fractional bits, a product.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        normalize::normalize(l, &self.axes, self.epsilon, self.centre)
    }
}
