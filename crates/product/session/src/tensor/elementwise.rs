//! Functions of each element by itself. What they cost, and how near they are, is said where they are defined: at the
//! operations and functions of `tacita_graph`.

use tacita_graph::{functions, ops};

use super::Tensor;

impl Tensor {
    /// The same numbers with so many fractional bits, at most [`ops::Precision::MOST`]: fewer than the session's are
    /// truncated, more are exact from here on. Sums, comparisons, maxima, selections and movements keep the most bits of
    /// what they are given, and so does a reveal; products, functions and sorting take and give the session's. Numbers must
    /// stay below 2^(62 - bits).
    #[must_use]
    pub fn with_precision(&self, bits: u32) -> Tensor {
        self.op(ops::Precision { bits }, &[])
    }

    /// 1 / (1 + e^-x).
    #[must_use]
    pub fn sigmoid(&self) -> Tensor {
        self.op(ops::Sigmoid {}, &[])
    }

    /// The hyperbolic tangent.
    #[must_use]
    pub fn tanh(&self) -> Tensor {
        self.op(ops::Tanh {}, &[])
    }

    /// The error function.
    #[must_use]
    pub fn erf(&self) -> Tensor {
        self.op(ops::Erf {}, &[])
    }

    /// x Φ(x), Φ the normal distribution; with `tanh` the usual approximation by it.
    #[must_use]
    pub fn gelu(&self, tanh: bool) -> Tensor {
        self.op(ops::Gelu { tanh }, &[])
    }

    /// x / (1 + e^-x).
    #[must_use]
    pub fn silu(&self) -> Tensor {
        self.op(ops::Silu {}, &[])
    }

    /// ln(1 + e^x).
    #[must_use]
    pub fn softplus(&self) -> Tensor {
        self.op(ops::Softplus {}, &[])
    }

    /// The sine.
    #[must_use]
    pub fn sin(&self) -> Tensor {
        self.op(ops::Sin {}, &[])
    }

    /// The cosine.
    #[must_use]
    pub fn cos(&self) -> Tensor {
        self.op(ops::Cos {}, &[])
    }

    /// e^x, at most the largest representable number.
    #[must_use]
    pub fn exp(&self) -> Tensor {
        self.op(ops::Exp {}, &[])
    }

    /// The natural logarithm, of numbers above 0.
    #[must_use]
    pub fn log(&self) -> Tensor {
        self.op(ops::Log {}, &[])
    }

    /// The square root, of numbers that are not negative.
    #[must_use]
    pub fn sqrt(&self) -> Tensor {
        self.op(ops::Sqrt {}, &[])
    }

    /// 1 / √x, of numbers above 0.
    #[must_use]
    pub fn rsqrt(&self) -> Tensor {
        self.op(ops::Rsqrt {}, &[])
    }

    /// 1 / x.
    #[must_use]
    pub fn reciprocal(&self) -> Tensor {
        self.op(ops::Reciprocal {}, &[])
    }

    /// x within bounds.
    #[must_use]
    pub fn clip(&self, min: Option<f64>, max: Option<f64>) -> Tensor {
        self.op(ops::Clip { min, max }, &[])
    }

    /// x²: one product.
    #[must_use]
    pub fn square(&self) -> Tensor {
        self.function(&[], |graph, x| functions::square(graph, x[0], ""))
    }

    /// x to a public power: products for integers, a root for halves, else e^(p ln x), for x above 0.
    #[must_use]
    pub fn pow(&self, exponent: f64) -> Tensor {
        self.function(&[], |graph, x| functions::pow(graph, x[0], exponent, ""))
    }

    /// ln(1 + x), for x above -1.
    #[must_use]
    pub fn log1p(&self) -> Tensor {
        self.function(&[], |graph, x| functions::log1p(graph, x[0], ""))
    }

    /// x above 0, α (e^x - 1) below.
    #[must_use]
    pub fn elu(&self, alpha: f64) -> Tensor {
        self.function(&[], |graph, x| functions::elu(graph, x[0], alpha, ""))
    }

    /// x above 0, α (e^(x/α) - 1) below.
    #[must_use]
    pub fn celu(&self, alpha: f64) -> Tensor {
        self.function(&[], |graph, x| functions::celu(graph, x[0], alpha, ""))
    }

    /// x above 0, slope · x below: one comparison.
    #[must_use]
    pub fn leaky_relu(&self, slope: f64) -> Tensor {
        self.function(&[], |graph, x| functions::leaky_relu(graph, x[0], slope, ""))
    }

    /// min(max(x, 0), 6).
    #[must_use]
    pub fn relu6(&self) -> Tensor {
        self.function(&[], |graph, x| functions::relu6(graph, x[0], ""))
    }

    /// min(max(x, least), most).
    #[must_use]
    pub fn hardtanh(&self, least: f64, most: f64) -> Tensor {
        self.function(&[], |graph, x| functions::hardtanh(graph, x[0], least, most, ""))
    }

    /// x/6 + 1/2, cut to 0 and 1.
    #[must_use]
    pub fn hardsigmoid(&self) -> Tensor {
        self.function(&[], |graph, x| functions::hardsigmoid(graph, x[0], 1.0 / 6.0, 0.5, ""))
    }

    /// x min(max(x + 3, 0), 6) / 6.
    #[must_use]
    pub fn hardswish(&self) -> Tensor {
        self.function(&[], |graph, x| functions::hardswish(graph, x[0], ""))
    }

    /// x tanh(ln(1 + e^x)).
    #[must_use]
    pub fn mish(&self) -> Tensor {
        self.function(&[], |graph, x| functions::mish(graph, x[0], ""))
    }

    /// x / (1 + |x|).
    #[must_use]
    pub fn softsign(&self) -> Tensor {
        self.function(&[], |graph, x| functions::softsign(graph, x[0], ""))
    }

    /// ln(1 / (1 + e^-x)).
    #[must_use]
    pub fn log_sigmoid(&self) -> Tensor {
        self.function(&[], |graph, x| functions::log_sigmoid(graph, x[0], ""))
    }

    /// x where it is above `alpha`, else 0.
    #[must_use]
    pub fn threshold(&self, alpha: f64) -> Tensor {
        self.function(&[], |graph, x| functions::thresholded_relu(graph, x[0], alpha, ""))
    }

    /// The scaled ELU of Klambauer and others, with their α and γ.
    #[must_use]
    pub fn selu(&self) -> Tensor {
        let (alpha, gamma) = (1.673_263_242_354_377_2, 1.050_700_987_355_480_5);
        self.function(&[], |graph, x| functions::selu(graph, x[0], alpha, gamma, ""))
    }

    /// x above 0, slope · x below, for slopes of a tensor that broadcasts.
    #[must_use]
    pub fn prelu(&self, slope: &Tensor) -> Tensor {
        self.function(&[slope], |graph, x| functions::prelu(graph, x[0], x[1], ""))
    }

    /// x to the powers of a tensor that broadcasts: e^(y ln x), for x above 0.
    #[must_use]
    pub fn pow_tensor(&self, exponents: &Tensor) -> Tensor {
        self.function(&[exponents], |graph, x| functions::pow_tensor(graph, x[0], x[1], ""))
    }
}
