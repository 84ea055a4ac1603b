//! The ring tensor: a shape and its elements.

use std::fmt;

use crate::{elementwise, shape};

/// A row-major, contiguous tensor over the integers modulo 2^64.
///
/// A tensor may hold shares or masks, so [`Debug`](fmt::Debug) prints the shape alone.
#[derive(Clone, PartialEq, Eq)]
pub struct RingTensor {
    shape: Vec<usize>,
    data: Vec<u64>,
}

impl RingTensor {
    /// A tensor of `shape` with `data` in row-major order. The shape `[]` is a scalar of one element.
    ///
    /// # Panics
    /// If the length of `data` differs from the size of `shape`; the message names both.
    pub fn new(shape: Vec<usize>, data: Vec<u64>) -> Self {
        assert_eq!(
            shape::size(&shape),
            data.len(),
            "shape {shape:?} has {} elements, but {} were given",
            shape::size(&shape),
            data.len()
        );
        Self { shape, data }
    }

    /// A tensor of zeros.
    pub fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), data: vec![0; shape::size(shape)] }
    }

    /// A tensor with every element `value`.
    pub fn filled(shape: &[usize], value: u64) -> Self {
        Self { shape: shape.to_vec(), data: vec![value; shape::size(shape)] }
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The elements in row-major order.
    pub fn data(&self) -> &[u64] {
        &self.data
    }

    /// The elements in row-major order, mutable.
    pub fn data_mut(&mut self) -> &mut [u64] {
        &mut self.data
    }

    /// Returns the elements in row-major order, without copying.
    pub fn into_data(self) -> Vec<u64> {
        self.data
    }

    /// The same elements under another shape, without copying.
    ///
    /// # Panics
    /// If the shapes have different numbers of elements; the message names both.
    pub fn reshape(self, shape: &[usize]) -> Self {
        assert_eq!(
            shape::size(shape),
            self.data.len(),
            "cannot reshape {:?} ({} elements) to {shape:?} ({} elements)",
            self.shape,
            self.data.len(),
            shape::size(shape)
        );
        Self { shape: shape.to_vec(), data: self.data }
    }

    /// Adds `other` element by element.
    ///
    /// # Panics
    /// If the shapes differ; the message names both.
    pub fn add_assign(&mut self, other: &Self) {
        self.check_same_shape(other, "add");
        elementwise::zip_assign(&mut self.data, &other.data, u64::wrapping_add);
    }

    /// Subtracts `other` element by element.
    ///
    /// # Panics
    /// If the shapes differ; the message names both.
    pub fn sub_assign(&mut self, other: &Self) {
        self.check_same_shape(other, "subtract");
        elementwise::zip_assign(&mut self.data, &other.data, u64::wrapping_sub);
    }

    /// Replaces every element by its negative.
    pub fn negate(&mut self) {
        elementwise::map_assign(&mut self.data, u64::wrapping_neg);
    }

    /// Multiplies every element by `factor`. A negative factor is its two's complement: `(-3i64) as u64`.
    pub fn scale(&mut self, factor: u64) {
        elementwise::map_assign(&mut self.data, move |x| x.wrapping_mul(factor));
    }

    fn check_same_shape(&self, other: &Self, verb: &str) {
        assert!(
            self.shape == other.shape,
            "cannot {verb} in place: shapes {:?} and {:?} differ",
            self.shape,
            other.shape
        );
    }
}

impl fmt::Debug for RingTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RingTensor({:?})", self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_data() {
        assert_eq!(format!("{:?}", RingTensor::filled(&[2, 3], 77)), "RingTensor([2, 3])");
    }

    #[test]
    fn arithmetic_wraps() {
        let mut x = RingTensor::new(vec![3], vec![u64::MAX, 1, 1 << 63]);
        x.add_assign(&RingTensor::filled(&[3], 1));
        assert_eq!(x.data(), [0, 2, (1 << 63) + 1]);
        x.sub_assign(&RingTensor::filled(&[3], 3));
        assert_eq!(x.data(), [u64::MAX - 2, u64::MAX, (1 << 63) - 2]);
        x.negate();
        assert_eq!(x.data(), [3, 1, (1 << 63) + 2]);
        x.scale(-2i64 as u64);
        assert_eq!(x.data(), [-6i64 as u64, -2i64 as u64, -4i64 as u64]);
    }

    #[test]
    fn scalars_and_empty_tensors() {
        assert_eq!(RingTensor::zeros(&[]).len(), 1);
        assert!(RingTensor::zeros(&[3, 0]).is_empty());
        assert_eq!(RingTensor::filled(&[6], 1).reshape(&[2, 3]).shape(), [2, 3]);
    }

    #[test]
    #[should_panic(expected = "shapes [2] and [3] differ")]
    fn a_mismatch_names_both_shapes() {
        RingTensor::zeros(&[2]).add_assign(&RingTensor::zeros(&[3]));
    }

    #[test]
    #[should_panic(expected = "shape [2, 2] has 4 elements, but 3 were given")]
    fn a_wrong_length_names_both_sizes() {
        RingTensor::new(vec![2, 2], vec![0; 3]);
    }
}
