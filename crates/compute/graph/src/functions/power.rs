use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Constant, Exp, Log, Mul, Reciprocal, Rsqrt, Sqrt};
use tacita_program::NodeId;

/// The largest integer exponent that is made of products.
const MOST: f64 = 64.0;

/// x²: one product, truncated once. Fixed.
///
/// # Errors
/// If x is not of kind fixed.
pub fn square(graph: &mut Graph, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
    Build::new(graph, "Square", name).add(Mul, &[x, x])
}

/// x to a public power. Fixed.
///
/// Integers to 64 cost products by squaring, log2 n of them one after another, each truncated once; negative ones and
/// halves the reciprocal, root or reciprocal root first. Any other exponent is e^(p ln x), for x above 0, right to about
/// (|p| + 2) 2^-11 of itself.
///
/// # Errors
/// If the exponent is not finite.
pub fn pow(graph: &mut Graph, x: NodeId, exponent: f64, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Pow", name);
    if !exponent.is_finite() {
        return b.refuse(format!("an exponent of {exponent}"));
    }
    let size = exponent.abs();
    let (whole, halves) = (size.fract() == 0.0 && size <= MOST, (2.0 * size).fract() == 0.0 && size <= MOST);
    match (exponent < 0.0, whole, halves) {
        _ if exponent == 0.0 => {
            let shape = b.shape(x);
            b.add(Constant { shape, value: 1.0 }, &[])
        }
        (false, true, _) => whole_power(&mut b, x, size as u32),
        (true, true, _) => {
            let inverse = b.add(Reciprocal, &[x])?;
            whole_power(&mut b, inverse, size as u32)
        }
        (false, false, true) => {
            let root = b.add(Sqrt, &[x])?;
            match size as u32 {
                0 => Ok(root),
                n => {
                    let power = whole_power(&mut b, x, n)?;
                    b.add(Mul, &[power, root])
                }
            }
        }
        (true, false, true) => {
            let inverse = b.add(Rsqrt, &[x])?;
            whole_power(&mut b, inverse, (2.0 * size) as u32)
        }
        _ => {
            let log = b.add(Log, &[x])?;
            let scaled = b.scaled(log, exponent)?;
            b.add(Exp, &[scaled])
        }
    }
}

/// By squaring, from the highest bit of n on.
fn whole_power(b: &mut Build<'_>, x: NodeId, n: u32) -> Result<NodeId, GraphError> {
    let mut power = x;
    for bit in (0..n.ilog2()).rev() {
        power = b.add(Mul, &[power, power])?;
        if n >> bit & 1 == 1 {
            power = b.add(Mul, &[power, x])?;
        }
    }
    Ok(power)
}

/// x to powers that are a value themselves, with broadcasting: e^(y ln x), for x above 0. A logarithm, a product, an
/// exponential. Fixed.
///
/// # Errors
/// If the shapes do not fit.
pub fn pow_tensor(graph: &mut Graph, x: NodeId, exponents: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Pow", name);
    let log = b.add(Log, &[x])?;
    let scaled = b.add(Mul, &[log, exponents])?;
    b.add(Exp, &[scaled])
}
