//! Comparisons, logic of bits, and selections.

use tacita_graph::DType;
use tacita_graph::ops::{self, ToWhole};

use super::Tensor;

impl Tensor {
    /// Whether each element is below the other's: bits.
    #[must_use]
    pub fn less(&self, other: &Tensor) -> Tensor {
        self.op(ops::Less {}, &[other])
    }

    /// Whether each element equals the other's: bits. Of any kind.
    #[must_use]
    pub fn equal(&self, other: &Tensor) -> Tensor {
        self.op(ops::Equal {}, &[other])
    }

    /// Whether each element differs from the other's: bits. Of any kind.
    #[must_use]
    pub fn not_equal(&self, other: &Tensor) -> Tensor {
        self.op(ops::NotEqual {}, &[other])
    }

    /// Whether each element is not above the other's: bits.
    #[must_use]
    pub fn less_equal(&self, other: &Tensor) -> Tensor {
        self.op(ops::LessEqual {}, &[other])
    }

    /// Whether each element is above the other's: bits.
    #[must_use]
    pub fn greater(&self, other: &Tensor) -> Tensor {
        self.op(ops::Greater {}, &[other])
    }

    /// Whether each element is not below the other's: bits.
    #[must_use]
    pub fn greater_equal(&self, other: &Tensor) -> Tensor {
        self.op(ops::GreaterEqual {}, &[other])
    }

    /// Whether both bits are 1.
    #[must_use]
    pub fn and(&self, other: &Tensor) -> Tensor {
        self.op(ops::And {}, &[other])
    }

    /// Whether one of two bits is 1, or both.
    #[must_use]
    pub fn or(&self, other: &Tensor) -> Tensor {
        self.op(ops::Or {}, &[other])
    }

    /// Whether two bits differ.
    #[must_use]
    pub fn xor(&self, other: &Tensor) -> Tensor {
        self.op(ops::Xor {}, &[other])
    }

    /// The other bit: `1 - x`. (Not the operator `!`, which would suggest bits of integers.)
    #[must_use]
    #[allow(clippy::should_implement_trait)]
    pub fn not(&self) -> Tensor {
        self.op(ops::Not {}, &[])
    }

    /// Whether one of the bits over axes is 1.
    #[must_use]
    pub fn any(&self, axes: &[isize]) -> Tensor {
        let axes = self.axes(axes);
        self.op(ops::Any { axes, keepdims: false }, &[])
    }

    /// Whether all bits over axes are 1.
    #[must_use]
    pub fn all(&self, axes: &[isize]) -> Tensor {
        let axes = self.axes(axes);
        self.op(ops::All { axes, keepdims: false }, &[])
    }

    /// Whether each number is not zero: bits.
    #[must_use]
    pub fn to_bits(&self) -> Tensor {
        self.op(ops::Cast { to: DType::Bit, rounding: ToWhole::Floor }, &[])
    }

    /// Where this tensor of bits is one `a`, elsewhere `b`.
    #[must_use]
    pub fn select(&self, a: &Tensor, b: &Tensor) -> Tensor {
        self.op(ops::Select {}, &[a, b])
    }
}
