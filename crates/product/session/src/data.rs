//! The data that a program gives for an input.

use ndarray::{Array, Dimension};
use tacita_graph::Value;

/// An array of floats, integers or bits, or none where the data is somebody else's.
pub trait Data {
    /// The array, if there is one. Nothing is copied.
    fn into_value(self) -> Option<Value>;
}

impl Data for Value {
    fn into_value(self) -> Option<Value> {
        Some(self)
    }
}

impl<T: Data> Data for Option<T> {
    fn into_value(self) -> Option<Value> {
        self.and_then(Data::into_value)
    }
}

impl<T, D: Dimension> Data for Array<T, D>
where
    Array<T, D>: Into<Value>,
{
    fn into_value(self) -> Option<Value> {
        Some(self.into())
    }
}
