//! The functions whose accuracy is documented, with what they should be.

use tacita_graph::Graph;
use tacita_graph::{GraphError, NodeId, Op, ops};
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
    /// The distance over the value, but not over less than two units make of 2^-10.
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
