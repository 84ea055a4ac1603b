use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::{arity, broadcast, numbers};
use super::{Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type, dims};

/// The matrix product (..., m, k) x (..., k, n) -> (..., m, n), with leading axes broadcast. Both inputs have at least
/// two axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatMul;

impl Operation for MatMul {
    fn name(&self) -> &'static str {
        "MatMul"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [a, b] = arity(inputs, "two")?;
        let dtype = numbers(inputs)?;
        let refuse = |reason| InferError::Shapes { left: a.shape.clone(), right: b.shape.clone(), reason };
        let ([a_lead @ .., m, k], [b_lead @ .., l, n]) = (a.shape.as_slice(), b.shape.as_slice()) else {
            return Err(refuse("both need two axes or more"));
        };
        if k != l {
            return Err(refuse("the last axis of the first is not the last but one of the second"));
        }
        let mut shape = broadcast(a_lead, b_lead)?;
        shape.extend([*m, *n]);
        Ok(Inferred { shape, dtype })
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::mat_mul(x[0], x[1], arrays::fast_product)
    }

    fn plain_reproducible(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        arrays::mat_mul(x[0], x[1], arrays::exact_product)
    }

    fn range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        let terms = types[0].shape.last().map_or(1.0, |&dim| arrays::count(&[dim]));
        Interval::symmetric(terms * x[0].magnitude() * x[1].magnitude())
    }

    /// Errors multiply out; one unit is for the truncation of the result.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        arrays::product_error(d, |a, b| arrays::mat_mul(a, b, arrays::fast_product))
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let (g, x, w) = (b.g(), b.x(0), b.x(1));
        if b.wanted(0) {
            let turned = b.turned(w)?;
            let part = b.matmul(g, turned)?;
            b.give(0, part)?;
        }
        if b.wanted(1) {
            let matrices = |sizes: &[usize]| sizes[..sizes.len() - 2].iter().product::<usize>();
            let (left, right) = (b.shape(x), b.shape(w));
            let (x, g) = if matrices(&right) == 1 && matrices(&left) > 1 {
                // one matrix serves all: compute one product over all rows instead of a sum of products
                let rows = matrices(&left) * left[left.len() - 2];
                let x = b.reshape(x, dims(&[rows, left[left.len() - 1]]))?;
                (x, b.reshape(g, dims(&[rows, right[right.len() - 1]]))?)
            } else {
                (x, g)
            };
            let turned = b.turned(x)?;
            let part = b.matmul(turned, g)?;
            let part = if b.shape(part).len() < right.len() { b.reshape(part, dims(&right))? } else { part };
            b.give(1, part)?;
        }
        Ok(())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.factor_frac();
        let (a, b) = (l.ring(0, frac)?, l.ring(1, frac)?);
        let shape = l.shape();
        Ok(l.push(RingOp::MatMul, &[a, b], &shape, 2 * frac))
    }
}
