//! Operators of tensors and numbers.

use std::ops::{Add, Div, Mul, Neg, Sub};

use tacita_graph::DType;
use tacita_graph::ops::{self, ToWhole};

use super::Tensor;

impl Tensor {
    /// A public number of this tensor's kind, or fixed.
    fn number(&self, value: f64) -> Tensor {
        let integer = self.dtype() == DType::Int && value.fract() == 0.0;
        self.function(&[], |graph, _| {
            let number = graph.add(ops::Constant { shape: vec![], value }, &[], "")?;
            match integer {
                true => graph.add(ops::Cast { to: DType::Int, rounding: ToWhole::Floor }, &[number], ""),
                false => Ok(number),
            }
        })
    }

    /// This tensor, and the number as one that fits it: integers with a fraction are fixed point from here on.
    fn with_number(&self, value: f64) -> (Tensor, Tensor) {
        match self.dtype() == DType::Int && value.fract() != 0.0 {
            true => (self.to_fixed(), self.number(value)),
            false => (self.clone(), self.number(value)),
        }
    }
}

/// `a op b` for tensors and numbers, by value and by reference.
macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl $trait<&Tensor> for &Tensor {
            type Output = Tensor;

            fn $method(self, other: &Tensor) -> Tensor {
                self.op(ops::$trait {}, &[other])
            }
        }

        impl $trait for Tensor {
            type Output = Tensor;

            fn $method(self, other: Tensor) -> Tensor {
                (&self).$method(&other)
            }
        }

        impl $trait<&Tensor> for Tensor {
            type Output = Tensor;

            fn $method(self, other: &Tensor) -> Tensor {
                (&self).$method(other)
            }
        }

        impl $trait<Tensor> for &Tensor {
            type Output = Tensor;

            fn $method(self, other: Tensor) -> Tensor {
                self.$method(&other)
            }
        }

        impl $trait<f64> for &Tensor {
            type Output = Tensor;

            fn $method(self, number: f64) -> Tensor {
                let (tensor, number) = self.with_number(number);
                tensor.$method(number)
            }
        }

        impl $trait<f64> for Tensor {
            type Output = Tensor;

            fn $method(self, number: f64) -> Tensor {
                (&self).$method(number)
            }
        }

        impl $trait<&Tensor> for f64 {
            type Output = Tensor;

            fn $method(self, tensor: &Tensor) -> Tensor {
                let (tensor, number) = tensor.with_number(self);
                number.$method(tensor)
            }
        }

        impl $trait<Tensor> for f64 {
            type Output = Tensor;

            fn $method(self, tensor: Tensor) -> Tensor {
                self.$method(&tensor)
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl Neg for &Tensor {
    type Output = Tensor;

    fn neg(self) -> Tensor {
        self.op(ops::Neg {}, &[])
    }
}

impl Neg for Tensor {
    type Output = Tensor;

    fn neg(self) -> Tensor {
        -&self
    }
}
