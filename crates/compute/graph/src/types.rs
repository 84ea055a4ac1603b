//! The type of a value: shape, visibility and the meaning of its numbers.

use std::fmt;

use serde::{Deserialize, Serialize};
use tacita_program::Visibility;

/// The largest rank a value may have.
pub const MAX_RANK: usize = 8;

/// The largest number of elements a value may have.
pub const MAX_ELEMENTS: usize = 1 << 32;

/// A shape as a vector.
pub fn dims(sizes: &[usize]) -> Vec<usize> {
    sizes.to_vec()
}

/// A shape as an error message shows it: `[2, 1, 28, 28]`.
pub fn show(shape: &[usize]) -> String {
    format!("{shape:?}")
}

/// What the numbers of a value mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DType {
    /// Real numbers, carried in fixed point.
    Fixed,
    /// Small integers, such as the index that `ArgMax` returns.
    Int,
    /// 0 or 1.
    Bit,
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::Fixed => "fixed",
            DType::Int => "int",
            DType::Bit => "bit",
        })
    }
}

/// Whether an input changes with every evaluation or lasts for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// New values for every evaluation, such as images.
    Data,
    /// The same values for the whole session, such as weights: their masked value is opened once.
    Parameter,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// The sizes of the axes, row-major.
    pub shape: Vec<usize>,
    /// The parties that may know the value.
    pub visibility: Visibility,
    /// What the numbers mean.
    pub dtype: DType,
}

impl Type {
    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }
}

/// The closed interval of numbers between `min` and `max`, both finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
}

impl Interval {
    /// The interval between two numbers in either order.
    pub fn new(a: f64, b: f64) -> Self {
        Interval { min: a.min(b), max: a.max(b) }
    }

    /// The interval of all `|x| <= bound`.
    pub fn symmetric(bound: f64) -> Self {
        Interval { min: -bound, max: bound }
    }

    /// The largest absolute value.
    pub fn magnitude(self) -> f64 {
        self.min.abs().max(self.max.abs())
    }

    /// Whether the interval contains a number. Integers that f64 may round are compared exactly.
    pub(crate) fn holds(self, x: f64, exact: Option<i64>) -> bool {
        match exact {
            Some(integer) if integer.unsigned_abs() >= 1 << 53 => {
                i128::from(integer) >= self.min.ceil() as i128
                    && i128::from(integer) <= self.max.floor() as i128
            }
            _ => (self.min..=self.max).contains(&x),
        }
    }

    /// The smallest interval that contains both.
    pub fn hull(self, other: Self) -> Self {
        Interval { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// The intersection, or the nearest point of `other` if the two are disjoint.
    pub fn clamp_to(self, other: Self) -> Self {
        Interval { min: self.min.clamp(other.min, other.max), max: self.max.clamp(other.min, other.max) }
    }
}
