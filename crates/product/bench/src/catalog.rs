//! The functions whose accuracy is documented, with what they should be.

use tacita_graph::{DType, Graph, GraphError, NodeId, Op, dims, functions, ops};
use tacita_ring::real;

use super::cost::Build;

/// Where a function is swept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Domain {
    /// All representable numbers.
    All,
    /// All above 0.
    Positive,
    /// All but 0.
    NotZero,
    /// From -2^30 to 0, where inference knows that.
    NotPositive,
}

/// How an error is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Measure {
    /// The distance.
    Absolute,
    /// The distance over the value, or over 2^-5 where it is less: 2^-10 of that is two units of 16 fractional bits.
    Relative,
}

pub(crate) struct Entry {
    pub name: &'static str,
    pub domain: Domain,
    pub measure: Measure,
    pub build: Build,
    pub exact: fn(f64) -> f64,
}

fn one(graph: &mut Graph, op: impl Into<Op>, x: &[NodeId]) -> Result<NodeId, GraphError> {
    graph.add(op, &x[..1], "")
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The functions of one number.
pub(crate) fn entries() -> Vec<Entry> {
    use Domain::*;
    use Measure::*;
    let entry = |name, domain, measure, build: Build, exact| Entry { name, domain, measure, build, exact };
    vec![
        entry("relu", All, Absolute, |g, x| one(g, ops::Relu, x), |x| x.max(0.0)),
        entry("sigmoid", All, Absolute, |g, x| one(g, ops::Sigmoid, x), sigmoid),
        entry("tanh", All, Absolute, |g, x| one(g, ops::Tanh, x), f64::tanh),
        entry("erf", All, Absolute, |g, x| one(g, ops::Erf, x), real::erf),
        entry(
            "gelu",
            All,
            Absolute,
            |g, x| one(g, ops::Gelu { tanh: false }, x),
            |x| x / 2.0 * (1.0 + real::erf(x / 2f64.sqrt())),
        ),
        entry(
            "gelu (tanh form)",
            All,
            Absolute,
            |g, x| one(g, ops::Gelu { tanh: true }, x),
            |x| x / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh()),
        ),
        entry("silu", All, Absolute, |g, x| one(g, ops::Silu, x), |x| x * sigmoid(x)),
        entry(
            "softplus",
            All,
            Absolute,
            |g, x| one(g, ops::Softplus, x),
            |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
        ),
        entry(
            "leaky_relu",
            All,
            Relative,
            |g, x| functions::leaky_relu(g, x[0], 0.01, ""),
            |x| x.max(0.01 * x),
        ),
        entry(
            "elu",
            All,
            Absolute,
            |g, x| functions::elu(g, x[0], 1.0, ""),
            |x| if x > 0.0 { x } else { x.exp_m1() },
        ),
        entry("relu6, hardtanh", All, Absolute, |g, x| functions::relu6(g, x[0], ""), |x| x.clamp(0.0, 6.0)),
        entry(
            "hardsigmoid",
            All,
            Absolute,
            |g, x| functions::hardsigmoid(g, x[0], 1.0 / 6.0, 0.5, ""),
            |x| (x / 6.0 + 0.5).clamp(0.0, 1.0),
        ),
        entry(
            "hardswish",
            All,
            Absolute,
            |g, x| functions::hardswish(g, x[0], ""),
            |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        ),
        entry(
            "mish",
            All,
            Absolute,
            |g, x| functions::mish(g, x[0], ""),
            |x| x * (x.max(0.0) + (-x.abs()).exp().ln_1p()).tanh(),
        ),
        entry("softsign", All, Absolute, |g, x| functions::softsign(g, x[0], ""), |x| x / (1.0 + x.abs())),
        entry("log1p", Positive, Absolute, |g, x| functions::log1p(g, x[0], ""), f64::ln_1p),
        entry("sin", All, Absolute, |g, x| one(g, ops::Sin, x), f64::sin),
        entry("cos", All, Absolute, |g, x| one(g, ops::Cos, x), f64::cos),
        entry("exp", All, Relative, |g, x| one(g, ops::Exp, x), |x| x.exp().min(2f64.powi(30))),
        entry("exp of x <= 0", NotPositive, Absolute, |g, x| one(g, ops::Exp, x), f64::exp),
        entry("log", Positive, Absolute, |g, x| one(g, ops::Log, x), f64::ln),
        entry("sqrt", Positive, Relative, |g, x| one(g, ops::Sqrt, x), f64::sqrt),
        entry("rsqrt", Positive, Relative, |g, x| one(g, ops::Rsqrt, x), |x| 1.0 / x.sqrt()),
        entry("reciprocal", NotZero, Relative, |g, x| one(g, ops::Reciprocal, x), |x| 1.0 / x),
        entry("reciprocal of x > 0", Positive, Relative, |g, x| one(g, ops::Reciprocal, x), |x| 1.0 / x),
    ]
}

/// An operation of whole tensors: what is documented of it is what it costs.
pub(crate) struct Whole {
    pub name: &'static str,
    pub shapes: &'static [&'static [usize]],
    pub dtype: DType,
    pub build: Build,
}

/// Operations that are exact, and those of rows, whose accuracy `tests/accuracy.rs` of `tacita-graph` tests.
pub(crate) fn whole() -> Vec<Whole> {
    use DType::{Bit, Fixed, Int};
    let whole = |name, shapes, dtype, build: Build| Whole { name, shapes, dtype, build };
    const ONE: &[&[usize]] = &[&[1024]];
    const TWO: &[&[usize]] = &[&[1024], &[1024]];
    vec![
        whole("mul", TWO, Fixed, |g, x| g.add(ops::Mul, x, "")),
        whole("mul of integers", TWO, Int, |g, x| g.add(ops::Mul, x, "")),
        whole("div", TWO, Fixed, |g, x| g.add(ops::Div, x, "")),
        whole("lt, le, gt, ge", TWO, Fixed, |g, x| g.add(ops::Less, x, "")),
        whole("eq, ne", TWO, Fixed, |g, x| g.add(ops::Equal, x, "")),
        whole("and, or", TWO, Bit, |g, x| g.add(ops::And, x, "")),
        whole("abs", ONE, Fixed, |g, x| one(g, ops::Abs, x)),
        whole("sign", ONE, Fixed, |g, x| one(g, ops::Sign, x)),
        whole("floor, ceil", ONE, Fixed, |g, x| one(g, ops::Floor, x)),
        whole("maximum, minimum", TWO, Fixed, |g, x| g.add(ops::Maximum, x, "")),
        whole("max of 4", &[&[1024, 4]], Fixed, |g, x| one(g, ops::Max { axis: 1, keepdims: false }, x)),
        whole("max of 64", &[&[128, 64]], Fixed, |g, x| one(g, ops::Max { axis: 1, keepdims: false }, x)),
        whole("argmax of 10", &[&[1024, 10]], Fixed, |g, x| {
            one(g, ops::ArgMax { axis: 1, keepdims: false }, x)
        }),
        whole("argmax of 1000", &[&[64, 1000]], Fixed, |g, x| {
            one(g, ops::ArgMax { axis: 1, keepdims: false }, x)
        }),
        whole("sort of 64", &[&[64, 64]], Fixed, |g, x| one(g, ops::Sort { axis: 1, descending: false }, x)),
        whole("sort of 256", &[&[8, 256]], Fixed, |g, x| one(g, ops::Sort { axis: 1, descending: false }, x)),
        whole("one-hot of 16", ONE, Int, |g, x| one(g, ops::OneHot { depth: 16 }, x)),
        whole("uniform from 0 to 1", ONE, Fixed, |g, _| functions::uniform(g, &dims(&[1024]), 0.0, 1.0, "")),
        whole("normal", ONE, Fixed, |g, _| functions::normal(g, &dims(&[1024]), 0.0, 1.0, "")),
        whole("bernoulli", ONE, Fixed, |g, _| functions::bernoulli(g, &dims(&[1024]), 0.9, "")),
        whole("bernoulli of 1/2", ONE, Fixed, |g, _| functions::bernoulli(g, &dims(&[1024]), 0.5, "")),
        whole("dropout of 0.1", ONE, Fixed, |g, x| functions::dropout(g, x[0], 0.1, "")),
        whole("dropout of 0.5", ONE, Fixed, |g, x| functions::dropout(g, x[0], 0.5, "")),
        whole("softmax of 10", &[&[1024, 10]], Fixed, |g, x| one(g, ops::Softmax { axis: 1 }, x)),
        whole("softmax of 128", &[&[64, 128]], Fixed, |g, x| one(g, ops::Softmax { axis: 1 }, x)),
        whole("softmax of 1000", &[&[64, 1000]], Fixed, |g, x| one(g, ops::Softmax { axis: 1 }, x)),
        whole("log_softmax of 10", &[&[1024, 10]], Fixed, |g, x| one(g, ops::LogSoftmax { axis: 1 }, x)),
        whole("layer_norm of 768", &[&[16, 768]], Fixed, |g, x| {
            one(g, ops::Normalize { axes: vec![1], epsilon: 1e-5, centre: true }, x)
        }),
        whole("rms_norm of 768", &[&[16, 768]], Fixed, |g, x| {
            one(g, ops::Normalize { axes: vec![1], epsilon: 1e-5, centre: false }, x)
        }),
    ]
}
