use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Add, Clip, Exp, Sub};
use tacita_program::NodeId;

/// x above 0, α (e^x - 1) below (Clevert, Unterthiner, Hochreiter, 2016). One comparison and an exponential of what is not
/// above 0. Fixed.
///
/// # Errors
/// If α is not finite.
pub fn elu(graph: &mut Graph, x: NodeId, alpha: f64, name: &str) -> Result<NodeId, GraphError> {
    two_sided(&mut Build::new(graph, "Elu", name), x, 1.0, 1.0, alpha)
}

/// γ times the ELU of α (Klambauer and others, 2017); PyTorch's and ONNX's γ is 1.0507…, their α 1.6732…. Costs as
/// [`elu`]. Fixed.
///
/// # Errors
/// If α or γ is not finite.
pub fn selu(graph: &mut Graph, x: NodeId, alpha: f64, gamma: f64, name: &str) -> Result<NodeId, GraphError> {
    two_sided(&mut Build::new(graph, "Selu", name), x, gamma, 1.0, gamma * alpha)
}

/// x above 0, α (e^(x/α) - 1) below (Barron, 2017). Costs as [`elu`]. Fixed.
///
/// # Errors
/// If α is not above 0, or not finite.
pub fn celu(graph: &mut Graph, x: NodeId, alpha: f64, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Celu", name);
    if alpha <= 0.0 || !alpha.is_finite() {
        return b.refuse(format!("an alpha of {alpha}"));
    }
    two_sided(&mut b, x, 1.0, 1.0 / alpha, alpha)
}

/// slope · max(x, 0) + height · (e^(steepness · min(x, 0)) - 1).
fn two_sided(
    b: &mut Build<'_>,
    x: NodeId,
    slope: f64,
    steepness: f64,
    height: f64,
) -> Result<NodeId, GraphError> {
    let low = b.add(Clip { min: None, max: Some(0.0) }, &[x])?;
    let high = b.add(Sub, &[x, low])?;
    let high = b.scaled(high, slope)?;
    let low = b.scaled(low, steepness)?;
    let low = b.add(Exp, &[low])?;
    let low = b.shifted(low, -1.0)?;
    let low = b.scaled(low, height)?;
    b.add(Add, &[high, low])
}
