use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Mean, Mul, Normalize, Sub};
use crate::types::dims;
use tacita_program::NodeId;

/// (x - mean) / √(variance + ε) of x (n, c, ...) over groups of channels and all that follows, times γ and plus β, each
/// (c) (Wu and He, 2018). As [`Normalize`], and a product an element for γ. Fixed.
///
/// # Errors
/// If the groups do not divide the channels, ε is not above 0, or the shapes do not fit.
pub fn group_norm(
    graph: &mut Graph,
    x: NodeId,
    groups: usize,
    gamma: Option<NodeId>,
    beta: Option<NodeId>,
    epsilon: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "GroupNorm", name);
    let shape = b.shape(x);
    let channels = b.channels(x)?;
    if groups == 0 || !channels.is_multiple_of(groups) {
        return b.refuse(format!("{groups} groups of {channels} channels"));
    }
    let mut grouped = shape.clone();
    grouped.splice(1..2, dims(&[groups, channels / groups]));
    let axes = (2..grouped.len()).collect();
    let x = b.reshape(x, grouped)?;
    let normal = b.add(Normalize { axes, epsilon, centre: true }, &[x])?;
    let normal = b.reshape(normal, shape)?;
    b.by_channel(normal, gamma, beta)
}

/// The [`group_norm`] of each channel by itself (Ulyanov, Vedaldi, Lempitsky, 2016). Fixed.
///
/// # Errors
/// If x has no axes after that of channels, ε is not above 0, or the shapes do not fit.
pub fn instance_norm(
    graph: &mut Graph,
    x: NodeId,
    gamma: Option<NodeId>,
    beta: Option<NodeId>,
    epsilon: f64,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "InstanceNorm", name);
    b.channels(x)?;
    let axes: Vec<usize> = (2..b.shape(x).len()).collect();
    if axes.is_empty() {
        return b.refuse("there are no axes after that of channels");
    }
    let normal = b.add(Normalize { axes, epsilon, centre: true }, &[x])?;
    b.by_channel(normal, gamma, beta)
}

/// What training makes of x (n, c, ...): (x - mean) / √(variance + ε) over all axes but that of channels, times γ and plus
/// β, each (c); and the mean and the variance of the batch, each (c), which is divided by its integer (Ioffe and
/// Szegedy, 2015). As [`Normalize`], and a product an element for γ and for the variance. Fixed.
///
/// # Errors
/// If x has no axis of channels, ε is not above 0, or the shapes do not fit.
pub fn batch_norm_training(
    graph: &mut Graph,
    x: NodeId,
    gamma: Option<NodeId>,
    beta: Option<NodeId>,
    epsilon: f64,
    name: &str,
) -> Result<[NodeId; 3], GraphError> {
    let mut b = Build::new(graph, "BatchNorm", name);
    let channels = b.channels(x)?;
    let axes: Vec<usize> = (0..b.shape(x).len()).filter(|&axis| axis != 1).collect();
    let mean = b.add(Mean { axes: axes.clone(), keepdims: true }, &[x])?;
    let deviation = b.add(Sub, &[x, mean])?;
    let mean = b.reshape(mean, dims(&[channels]))?;
    let squares = b.add(Mul, &[deviation, deviation])?;
    let variance = b.add(Mean { axes: axes.clone(), keepdims: false }, &[squares])?;
    let normal = b.add(Normalize { axes, epsilon, centre: false }, &[deviation])?;
    Ok([b.by_channel(normal, gamma, beta)?, mean, variance])
}

impl Build<'_> {
    /// The number of channels, axis 1.
    fn channels(&self, x: NodeId) -> Result<usize, GraphError> {
        match self.shape(x).get(1) {
            Some(&channels) => Ok(channels),
            _ => self.refuse("it has no axis of channels"),
        }
    }

    /// x (n, c, ...) times a factor and plus a shift, each (c).
    fn by_channel(
        &mut self,
        x: NodeId,
        factor: Option<NodeId>,
        shift: Option<NodeId>,
    ) -> Result<NodeId, GraphError> {
        let channels = self.channels(x)?;
        let mut column = vec![1; self.shape(x).len() - 1];
        column[0] = channels;
        let mut widen = |vector: Option<NodeId>| match vector {
            Some(vector) if self.shape(vector) != dims(&[channels]) => {
                self.refuse(format!("parameters must have {channels} elements, one a channel"))
            }
            Some(vector) => self.reshape(vector, dims(&column)).map(Some),
            None => Ok(None),
        };
        let (factor, shift) = (widen(factor)?, widen(shift)?);
        self.affine(x, factor, shift)
    }
}
