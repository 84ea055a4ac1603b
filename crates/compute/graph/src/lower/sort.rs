//! Values in order along an axis, with their indices.

use super::Lowering;
use crate::error::GraphError;
use crate::types::DType;
use tacita_program::{RangeBound, RingId, RingOp, sort_bits};

/// What of the sorted pairs is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// The values.
    Values,
    /// Where they were.
    Indices,
}

/// Input 0 in order along `axis`, the lower index first of equal values. Fixed values are first truncated to the
/// session's precision at most, so that they have room for their indices.
pub(crate) fn sorted(
    l: &mut Lowering<'_>,
    axis: usize,
    descending: bool,
    column: Column,
) -> Result<RingId, GraphError> {
    let shape = l.shape();
    let n = shape[axis];
    let frac = l.input_frac(0).min(l.precision());
    let x = l.ring(0, frac)?;
    if n == 1 {
        return Ok(if column == Column::Values { x } else { l.zero_like(x) });
    }
    let shift = usize::BITS - (n - 1).leading_zeros();
    if l.dtype(0) == DType::Fixed && shift > l.precision() {
        return Err(l.unsupported("so many values need more fractional bits: raise the precision to 10 bits"));
    }
    let mut perm: Vec<usize> = (0..shape.len()).filter(|&other| other != axis).collect();
    perm.push(axis);
    let moved: Vec<usize> = perm.iter().map(|&axis| shape[axis]).collect();
    let rows = shape.iter().product::<usize>() / n;
    let table = match l.sorted.get(&(x, axis, descending)) {
        Some(&table) => table,
        None => {
            let mut keys = x;
            if descending {
                keys = l.push(RingOp::Neg, &[keys], &shape, frac);
            }
            keys = l.transposed(keys, &perm);
            keys = l.reshape(keys, &[rows, n, 1]);
            let values = (0..n as i64).collect();
            let indices = l.push(RingOp::ConstantTensor { values }, &[], &[1, n, 1], 0);
            let indices = l.broadcast(indices, &[rows, n, 1]);
            let table = l.push(RingOp::Concat { axis: 2 }, &[keys, indices], &[rows, n, 2], frac);
            let bits = sort_bits(l.bounds(keys), shift, n);
            let table = l.push(RingOp::Sort { shift, bits }, &[table], &[rows, n, 2], frac);
            l.sorted.insert((x, axis, descending), table);
            table
        }
    };
    let (at, frac) = if column == Column::Values { (0, frac) } else { (1, 0) };
    let (starts, ends, steps) = (vec![0, 0, at], vec![rows, n, at + 1], vec![1; 3]);
    let mut result = l.push(RingOp::Slice { starts, ends, steps }, &[table], &[rows, n, 1], frac);
    if column == Column::Values && descending {
        result = l.push(RingOp::Neg, &[result], &[rows, n, 1], frac);
    }
    let known = if column == Column::Values { l.bounds(x) } else { RangeBound::new(0, n as i128 - 1) };
    l.within(result, known);
    result = l.reshape(result, &moved);
    let mut back = vec![0; perm.len()];
    perm.iter().enumerate().for_each(|(to, &from)| back[from] = to);
    Ok(l.transposed(result, &back))
}
