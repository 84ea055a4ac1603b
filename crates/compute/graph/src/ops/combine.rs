use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::gather::Gather;
use super::shape::{attribute, axis, finite, one_fixed};
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// Weighted sums of x's elements along an axis, with public weights: element i of the result is the sum of `w * x[j]`
/// over the pairs (j, w) of `rows[i]`. Used by interpolation and by means over windows of several sizes.
///
/// Weights that need more bits are rounded to the session's precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Combine {
    /// The axis.
    pub axis: usize,
    /// For each element of the result along the axis: indices into x and finite weights.
    pub rows: Vec<Vec<(u32, f64)>>,
}

impl Combine {
    fn weights(&self) -> impl Iterator<Item = f64> {
        self.rows.iter().flatten().map(|&(_, weight)| weight)
    }

    /// The size of a row with this number of terms, in words of four bytes. Lowering pads all rows to the longest.
    pub(crate) fn row_words(terms: usize) -> usize {
        terms.saturating_mul(4).saturating_add(6)
    }

    /// The fractional bits of the weights: as few as they need, at most `precision`.
    fn bits(&self, precision: u32) -> u32 {
        let whole = |bits: &u32| self.weights().all(|weight| (weight * power(*bits)).fract() == 0.0);
        (0..precision).find(whole).unwrap_or(precision)
    }

    /// The largest number of terms in a sum.
    fn terms(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// The sums with weights `f(w)`.
    fn sums(&self, x: &ArrayD<f64>, f: impl Fn(f64) -> f64) -> ArrayD<f64> {
        let mut shape = x.shape().to_vec();
        shape[self.axis] = self.rows.len();
        let mut result = ArrayD::zeros(shape);
        for (mut sum, row) in result.axis_iter_mut(Axis(self.axis)).zip(&self.rows) {
            for &(index, weight) in row {
                let weight = f(weight);
                let term = x.index_axis(Axis(self.axis), index as usize);
                sum.zip_mut_with(&term, |sum, x| *sum += weight * x);
            }
        }
        result
    }
}

fn power(bits: u32) -> f64 {
    2f64.powi(bits as i32)
}

/// w * 2^bits as an integer.
fn encoded(weight: f64, bits: u32) -> i64 {
    (weight * power(bits)).round_ties_even() as i64
}

impl Operation for Combine {
    fn name(&self) -> &'static str {
        "Combine"
    }

    fn listed(&self) -> usize {
        self.rows.len().saturating_mul(Combine::row_words(self.terms()))
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        axis(x, self.axis)?;
        let size = x.shape[self.axis];
        if self.terms() == 0 {
            return attribute("no row has a term");
        }
        for &(index, weight) in self.rows.iter().flatten() {
            finite("a weight", weight)?;
            if index as usize >= size {
                return attribute(format!("index {index} along axis {} of size {size}", self.axis));
            }
        }
        let mut shape = x.shape.clone();
        shape[self.axis] = self.rows.len();
        Inferred::fixed(shape)
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        self.sums(x[0], |weight| weight)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        let of_row = |row: &Vec<(u32, f64)>| {
            row.iter().fold(Interval::new(0.0, 0.0), |sum, &(_, weight)| {
                let term = Interval::new(weight * x[0].min, weight * x[0].max);
                Interval { min: sum.min + term.min, max: sum.max + term.max }
            })
        };
        let rows = self.rows.iter().map(of_row);
        rows.reduce(Interval::hull).unwrap_or(Interval::new(0.0, 0.0))
    }

    /// In the worst case all terms of a row have the same sign.
    fn peak(&self, x: &[Interval], _types: &[&Type], _result: Interval) -> f64 {
        let of_row = |row: &Vec<(u32, f64)>| row.iter().map(|(_, weight)| weight.abs()).sum::<f64>();
        x[0].magnitude() * self.rows.iter().map(of_row).fold(0.0, f64::max)
    }

    /// The inputs' errors times the rounded weights, the weights' rounding times the inputs, and one unit for the
    /// truncation of the result.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let bits = self.bits((-d.unit.log2()).round() as u32);
        let rounded = |weight: f64| encoded(weight, bits) as f64 / power(bits);
        let carried = self.sums(d.errors[0], |weight| rounded(weight).abs());
        let rounding = self.sums(&d.values[0].mapv(f64::abs), |weight| (rounded(weight) - weight).abs());
        carried + rounding + d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let size = b.shape(b.x(0))[self.axis];
        let mut rows = vec![Vec::new(); size];
        for (at, row) in self.rows.iter().enumerate() {
            row.iter().for_each(|&(index, weight)| rows[index as usize].push((at as u32, weight)));
        }
        let part = b.add(Combine { axis: self.axis, rows }, &[b.g()])?;
        b.give(0, part)
    }

    /// One gather and one product by public integers for each term. If all its weights are 1, a term needs no product.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let precision = l.precision();
        let bits = self.bits(precision);
        for weight in self.weights() {
            l.encode(weight, bits)?;
        }
        let have = l.working_frac();
        let have = if have + bits > 2 * precision { precision } else { have };
        let x = l.ring(0, have)?;
        let (shape, frac) = (l.shape(), have + bits);
        let mut column = vec![1; shape.len() - self.axis];
        column[0] = self.rows.len();
        let mut sum = None;
        for term in 0..self.terms() {
            let pick = |row: &Vec<(u32, f64)>| row.get(term).copied();
            let indices = self.rows.iter().map(|row| pick(row).map_or(Gather::ZERO, |(index, _)| index));
            let gather = RingOp::Gather { axis: self.axis, indices: indices.collect() };
            let values: Vec<i64> = self
                .rows
                .iter()
                .map(|row| pick(row).map_or(1, |(_, weight)| encoded(weight, bits)))
                .collect();
            let mut value = l.push(gather, &[x], &shape, have);
            if bits > 0 || values.iter().any(|&value| value != 1) {
                let weights = l.push(RingOp::ConstantTensor { values }, &[], &column, bits);
                value = l.push(RingOp::Mul, &[value, weights], &shape, frac);
            }
            sum = Some(match sum {
                Some(sum) => l.push(RingOp::Add, &[sum, value], &shape, frac),
                None => value,
            });
        }
        Ok(sum.expect("inference wants a term"))
    }
}
