use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::{arity, axis, kinds, misfit};
use super::{Cast, Inferred, Operation, ToWhole, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{DType, Interval, Type, dims};

/// The slices of a table along `axis` that one-hot bits select. Inputs: the table, of any type, and bits with a last
/// axis as long as the table's. The bits' other axes replace the table's axis, as in ONNX's Gather. Bits that are all
/// zero select a slice of zeros.
///
/// With [`OneHot`](super::OneHot), a look-up at a secret index: the parties do not learn which slices are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// The table's axis.
    pub axis: usize,
}

impl Pick {
    /// Two permutations: one moves the table's picked axis first; one brings the product's axes (the bits' axes, then
    /// the table's others) into the result's order.
    fn orders(&self, table: usize, bits: usize) -> (Vec<usize>, Vec<usize>) {
        let first = std::iter::once(self.axis).chain((0..table).filter(|&axis| axis != self.axis)).collect();
        let lead = bits - 1;
        let before = (0..self.axis).map(|axis| lead + axis);
        let result = before.chain(0..lead).chain(lead + self.axis..lead + table - 1).collect();
        (first, result)
    }
}

impl Operation for Pick {
    fn name(&self) -> &'static str {
        "Pick"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [table, bits] = arity(inputs, "two")?;
        if bits.dtype != DType::Bit {
            return Err(InferError::DType { input: 1, expected: DType::Bit, got: bits.dtype });
        }
        kinds(&[table], table.dtype)?;
        axis(table, self.axis)?;
        let Some((last, lead)) = bits.shape.split_last() else {
            return misfit(bits, "the bits have no axis");
        };
        if *last != table.shape[self.axis] {
            return misfit(table, format!("its axis {} is not as long as the bits' last", self.axis));
        }
        let (before, after) = table.shape.split_at(self.axis);
        Ok(Inferred { shape: [before, lead, &after[1..]].concat(), dtype: table.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let (first, result) = self.orders(x[0].ndim(), x[1].ndim());
        let table = x[0].view().permuted_axes(first).as_standard_layout().into_owned();
        let n = table.shape()[0];
        let shape = [&x[1].shape()[..x[1].ndim() - 1], &table.shape()[1..]].concat();
        let (table, bits) =
            (arrays::reshape(&table, &[n, table.len() / n]), arrays::reshape(x[1], &[x[1].len() / n, n]));
        let product = arrays::mat_mul(&bits, &table, arrays::exact_product);
        arrays::reshape(&product, &shape).permuted_axes(result).as_standard_layout().into_owned()
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0].hull(Interval { min: 0.0, max: 0.0 })
    }

    /// The error of the picked slice; where the bits are uncertain, the bound covers any other slice.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let furthest = |x: &ArrayD<f64>| x.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let uncertain = if furthest(d.errors[1]) > 0.0 { 2.0 * furthest(d.values[0]) } else { 0.0 };
        ArrayD::from_elem(d.result.raw_dim(), furthest(d.errors[0]) + d.unit + uncertain)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let (table, bits) = (b.shape(b.x(0)), b.shape(b.x(1)));
        if !b.wanted(0) {
            return Ok(());
        }
        let (depth, before, after) = (table[self.axis], &table[..self.axis], &table[self.axis + 1..]);
        let count = |sizes: &[usize]| sizes.iter().product::<usize>();
        let (a, c, n) = (count(before), count(after), count(&bits) / depth);
        let hot = b.add(Cast { to: DType::Fixed, rounding: ToWhole::Nearest }, &[b.x(1)])?;
        let hot = b.reshape(hot, dims(&[n, depth]))?;
        let hot = b.turned(hot)?;
        let g = b.reshape(b.g(), dims(&[a, n, c]))?;
        let g = b.transpose(g, vec![1, 0, 2])?;
        let g = b.reshape(g, dims(&[n, a * c]))?;
        let sums = b.matmul(hot, g)?;
        let sums = b.reshape(sums, dims(&[depth, a, c]))?;
        let part = b.transpose(sums, vec![1, 0, 2])?;
        let part = b.reshape(part, dims(&table))?;
        b.give(0, part)
    }

    /// A matrix product with the table's fractional bits.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let (table, bits) = (l.ring(0, frac)?, l.ring(1, 0)?);
        let (from, lead) = (l.shape_of(table).to_vec(), l.shape_of(bits).to_vec());
        let (first, result) = self.orders(from.len(), lead.len());
        let turned: Vec<usize> = first.iter().map(|&axis| from[axis]).collect();
        let table = l.transposed(table, &first);
        let n = turned[0];
        let columns = turned[1..].iter().product();
        let rows = lead.iter().product::<usize>() / n;
        let table = l.reshape(table, &[n, columns]);
        let bits = l.reshape(bits, &[rows, n]);
        let product = l.push(RingOp::MatMul, &[bits, table], &[rows, columns], frac);
        let product = l.reshape(product, &[&lead[..lead.len() - 1], &turned[1..]].concat());
        Ok(l.transposed(product, &result))
    }
}
