use std::f64::consts::{LN_2, TAU};
use tacita_program::NodeId;

use super::{Build, narrow};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{
    Add, Bernoulli, Cast, Concat, Constant, Cos, Log, Mul, Select, Sin, Sqrt, Sub, ToWhole, Uniform,
};
use crate::types::{DType, show};

/// A normal's radius is made of a number below 2^WIDTH, of units of 2^-f: at f fractional bits it has f + WIDTH random bits.
const WIDTH: i32 = 12;

/// Numbers that nobody knows, uniform from `low` to below `high`, drawn anew in every evaluation: see
/// [`Uniform`](crate::ops::Uniform). Fixed, secret.
///
/// # Errors
/// If `low` is not below `high`, or a bound is not finite.
pub fn uniform(
    graph: &mut Graph,
    shape: &[usize],
    low: f64,
    high: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let draw = graph.next_draw();
    graph.add(Uniform { shape: shape.to_vec(), low, high, draw }, &[], name)
}

/// Bits that nobody knows, each 1 with this probability, drawn anew in every evaluation: see
/// [`Bernoulli`](crate::ops::Bernoulli). Secret.
///
/// # Errors
/// If it is no probability.
pub fn bernoulli(
    graph: &mut Graph,
    shape: &[usize],
    probability: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let draw = graph.next_draw();
    graph.add(Bernoulli { shape: shape.to_vec(), probability, draw }, &[], name)
}

/// Numbers that nobody knows, of the normal distribution, drawn anew in every evaluation (Box and Muller, 1958): with U and
/// V uniform, √(-2 ln U) cos 2πV and √(-2 ln U) sin 2πV are two of them. Fixed, secret.
///
/// At f fractional bits U is a multiple of 2^-(f + 12), so that none is further than √(2 (f + 12) ln 2) deviations from the
/// mean: 6.2 at 16, beyond which a normal number lies with probability 5·10^-10.
///
/// # Errors
/// If mean or deviation is not finite.
pub fn normal(
    graph: &mut Graph,
    shape: &[usize],
    mean: f64,
    deviation: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Normal", name);
    if !mean.is_finite() || !deviation.is_finite() {
        return b.refuse(format!("a mean of {mean} and a deviation of {deviation}"));
    }
    let count = |shape: &[usize]| shape.iter().try_fold(1usize, |all, &size| all.checked_mul(size));
    // both of a pair are of one index of the first axis, which may be that of samples, where that takes no more pairs
    let (batch, rest) = match shape {
        [first, rest @ ..] if count(rest).is_some_and(|n| n.is_multiple_of(2)) => (vec![*first], rest),
        all => (vec![], all),
    };
    let Some(elements) = count(rest) else { return b.refuse(format!("the shape {}", show(shape))) };
    let axis = batch.len();
    let flat = |size: usize| [&batch[..], &[size]].concat();
    let pairs = flat(elements.div_ceil(2));
    let below = uniform(b.graph, &pairs, 0.0, 2f64.powi(WIDTH), name)?;
    let angle = uniform(b.graph, &pairs, 0.0, TAU, name)?;
    // -ln U = 12 ln 2 - ln(2^12 U); the logarithm of 0 is that of one unit
    let log = b.add(Log, &[below])?;
    let most = b.constant(f64::from(WIDTH) * LN_2)?;
    let half = b.add(Sub, &[most, log])?;
    let square = b.add(Add, &[half, half])?;
    let radius = b.add(Sqrt, &[square])?;
    let cos = b.add(Cos, &[angle])?;
    let sin = b.add(Sin, &[angle])?;
    let circle = b.add(Concat { axis }, &[cos, sin])?;
    let radii = b.add(Concat { axis }, &[radius, radius])?;
    let mut normal = b.add(Mul, &[radii, circle])?;
    if !elements.is_multiple_of(2) {
        normal = narrow(b.graph, normal, axis as isize, 0, elements, name)?;
    }
    let normal = b.scaled(normal, deviation)?;
    let normal = if mean == 0.0 { normal } else { b.shifted(normal, mean)? };
    b.reshape(normal, shape.to_vec())
}

/// x with each element 0 with this probability, and the others divided by the probability that they are kept. Nobody knows
/// which are. Fixed, secret.
///
/// # Errors
/// If it is no probability below 1, or x is not of kind fixed.
pub fn dropout(graph: &mut Graph, x: NodeId, probability: f64, name: &str) -> Result<NodeId, GraphError> {
    Ok(dropout_and_mask(graph, x, probability, name)?.0)
}

/// [`dropout`], and with it the bits of the elements that are kept. Secret; public where none is dropped.
///
/// # Errors
/// As [`dropout`].
pub fn dropout_and_mask(
    graph: &mut Graph,
    x: NodeId,
    probability: f64,
    name: &str,
) -> Result<(NodeId, NodeId), GraphError> {
    let mut b = Build::new(graph, "Dropout", name);
    if !(0.0..1.0).contains(&probability) {
        return b.refuse(format!(
            "elements are dropped with probability {probability}; from 0 to below 1 can be"
        ));
    }
    let shape = b.shape(x);
    if probability == 0.0 {
        let one = b.add(Constant { shape, value: 1.0 }, &[])?;
        return Ok((x, b.add(Cast { to: DType::Bit, rounding: ToWhole::TowardsZero }, &[one])?));
    }
    let kept = bernoulli(b.graph, &shape, 1.0 - probability, name)?;
    let scaled = b.scaled(x, 1.0 / (1.0 - probability))?;
    let zero = b.add(Constant { shape, value: 0.0 }, &[])?;
    Ok((b.add(Select, &[kept, scaled, zero])?, kept))
}
