//! The matrix product of tensors, with batches.

use crate::product::{Sign, product};
use crate::shape::{Nest, broadcast_shapes, broadcast_strides, size, strides};
use crate::simd::Level;
use crate::tensor::RingTensor;

/// The shape of numpy's `matmul` of tensors of at least two axes: the product of the last two axes, with the axes
/// before them broadcast. `None` if the shapes do not match.
pub fn matmul_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let (batch_a, &[m, k]) = a.split_last_chunk::<2>()?;
    let (batch_b, &[k_b, n]) = b.split_last_chunk::<2>()?;
    let mut shape = broadcast_shapes(batch_a, batch_b)?;
    shape.extend([m, n]);
    (k == k_b).then_some(shape)
}

/// The matrix product, with numpy's broadcasting of all axes but the last two.
///
/// # Panics
/// If the shapes do not fit ([`matmul_shape`]); the message names both.
pub fn matmul(a: &RingTensor, b: &RingTensor) -> RingTensor {
    let mut out = RingTensor::zeros(&shape_or_panic(a, b));
    matmul_into(&mut out, a, b, Sign::Plus);
    out
}

/// Adds the matrix product of `a` and `b` to `out`, or subtracts it.
///
/// # Panics
/// If the shapes do not fit or `out` does not have the shape of the product; the message names them.
pub fn matmul_into(out: &mut RingTensor, a: &RingTensor, b: &RingTensor, sign: Sign) {
    let shape = shape_or_panic(a, b);
    assert!(
        out.shape() == shape,
        "the product of shapes {:?} and {:?} has shape {shape:?}, but the output has {:?}",
        a.shape(),
        b.shape(),
        out.shape()
    );
    let (batch_a, &[m, k]) = a.shape().split_last_chunk::<2>().expect("matmul_shape checked the rank");
    let (batch_b, &[_, n]) = b.shape().split_last_chunk::<2>().expect("matmul_shape checked the rank");
    let batch = &shape[..shape.len() - 2];
    if size(batch_b) == 1 && size(batch_a) == size(batch) {
        // One right-hand side serves the whole batch, which becomes additional rows.
        return product(Level::current(), out.data_mut(), a.data(), b.data(), [m * size(batch), n, k], sign);
    }
    let read = |from| broadcast_strides(from, batch).expect("matmul_shape accepted both");
    let nest = Nest::new(batch, [&strides(batch), &read(batch_a), &read(batch_b)]);
    let out = out.data_mut();
    nest.for_each_index(|[o, i, j]| {
        let out = &mut out[o * m * n..(o + 1) * m * n];
        let (a, b) = (&a.data()[i * m * k..(i + 1) * m * k], &b.data()[j * k * n..(j + 1) * k * n]);
        product(Level::current(), out, a, b, [m, n, k], sign);
    });
}

fn shape_or_panic(a: &RingTensor, b: &RingTensor) -> Vec<usize> {
    matmul_shape(a.shape(), b.shape())
        .unwrap_or_else(|| panic!("cannot multiply matrices of shapes {:?} and {:?}", a.shape(), b.shape()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shapes_follow_numpy() {
        assert_eq!(matmul_shape(&[5, 1, 2, 3], &[4, 3, 7]), Some(vec![5, 4, 2, 7]));
        assert_eq!(matmul_shape(&[2, 3], &[2, 3]), None);
        assert_eq!(matmul_shape(&[3], &[3, 2]), None);
    }

    proptest! {
        /// A product is the sum over the shared axis of a broadcast elementwise product.
        #[test]
        fn equals_the_definition(
            batch in prop::sample::select(vec![
                (vec![], vec![]),
                (vec![3], vec![]),
                (vec![3], vec![1]),
                (vec![], vec![3]),
                (vec![2, 1], vec![3]),
                (vec![2, 3], vec![2, 3]),
                (vec![0], vec![1]),
            ]),
            dims in [1usize..10, 1usize..10, 1usize..10],
            minus: bool,
        ) {
            let [m, n, k] = dims;
            let shape = |batch: &[usize], matrix: [usize; 2]| [batch, &matrix].concat();
            let tensor = |shape: Vec<usize>, seed| {
                let data = crate::test_data(size(&shape), seed);
                RingTensor::new(shape, data)
            };
            let a = tensor(shape(&batch.0, [m, k]), 1);
            let b = tensor(shape(&batch.1, [k, n]), 2);
            let wide_a = a.clone().reshape(&[a.shape(), &[1]].concat());
            let rank = batch.1.len();
            let wide_b = b.clone().reshape(&[&b.shape()[..rank], &[1, k, n]].concat());
            let product = wide_a.mul(&wide_b);
            let product = product.sum(&[product.shape().len() - 2], false);
            prop_assert!(matmul(&a, &b) == product);
            let mut out = tensor(product.shape().to_vec(), 3);
            let expected = if minus { out.sub(&product) } else { out.add(&product) };
            matmul_into(&mut out, &a, &b, if minus { Sign::Minus } else { Sign::Plus });
            prop_assert!(out == expected);
        }
    }

    #[test]
    #[should_panic(expected = "cannot multiply matrices of shapes [2, 3] and [2, 3]")]
    fn a_mismatch_names_both_shapes() {
        matmul(&RingTensor::zeros(&[2, 3]), &RingTensor::zeros(&[2, 3]));
    }
}
