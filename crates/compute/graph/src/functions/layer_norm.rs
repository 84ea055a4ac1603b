use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Add, Mul, Normalize};
use tacita_program::NodeId;

/// (x - mean) / √(variance + ε) over axes, times γ and plus β, which broadcast (Ba, Kiros, Hinton, 2016). As
/// [`Normalize`], and a product an element for γ. Fixed.
///
/// # Errors
/// If an axis is not x's or named twice, ε is not above 0, or the shapes do not fit.
pub fn layer_norm(
    graph: &mut Graph,
    x: NodeId,
    axes: &[isize],
    gamma: Option<NodeId>,
    beta: Option<NodeId>,
    epsilon: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "LayerNorm", name);
    let axes = b.sorted_axes(x, axes)?;
    let normal = b.add(Normalize { axes, epsilon, centre: true }, &[x])?;
    b.affine(normal, gamma, beta)
}

/// x / √(mean of x² + ε) over axes, times γ, which broadcasts (Zhang and Sennrich, 2019). As [`layer_norm`] without its
/// means. Fixed.
///
/// # Errors
/// As [`layer_norm`].
pub fn rms_norm(
    graph: &mut Graph,
    x: NodeId,
    axes: &[isize],
    gamma: Option<NodeId>,
    epsilon: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "RmsNorm", name);
    let axes = b.sorted_axes(x, axes)?;
    let normal = b.add(Normalize { axes, epsilon, centre: false }, &[x])?;
    b.affine(normal, gamma, None)
}

impl Build<'_> {
    /// x times a factor and plus a shift, where there are any.
    pub(super) fn affine(
        &mut self,
        x: NodeId,
        factor: Option<NodeId>,
        shift: Option<NodeId>,
    ) -> Result<NodeId, GraphError> {
        let x = factor.map_or(Ok(x), |factor| self.add(Mul, &[x, factor]))?;
        shift.map_or(Ok(x), |shift| self.add(Add, &[x, shift]))
    }
}
