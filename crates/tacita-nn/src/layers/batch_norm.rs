use tacita_graph::ops::{Add, Constant, Mean, Mul, Reshape, Rsqrt, Sub};
use tacita_graph::{Dim, GraphError, NodeId};

use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;

/// Batch normalisation by channel, axis 1 (Ioffe and Szegedy 2015): `weight`, `bias`, `running_mean`, `running_var`. In
/// training by the batch's mean and variance, of which the running ones are averages; else by these.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    channels: usize,
    epsilon: f64,
    momentum: f64,
}

impl BatchNorm {
    /// With ε = 10^-5, of which a new batch counts a tenth.
    pub fn new(channels: usize) -> BatchNorm {
        BatchNorm { channels, epsilon: 1e-5, momentum: 0.1 }
    }
}

impl Layer for BatchNorm {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let each = [self.channels];
        let weight = net.parameter("weight", &each, Init::Constant(1.0))?;
        let bias = net.parameter("bias", &each, Init::Constant(0.0))?;
        let running = [
            net.buffer("running_mean", &each, Init::Constant(0.0))?,
            net.buffer("running_var", &each, Init::Constant(1.0))?,
        ];
        let (training, name) = (net.is_training(), net.name("batch_norm"));
        let graph = net.graph();
        let shape = graph.node(x).ty.shape.clone();
        let rank = shape.len();
        let mut column = vec![Dim::Known(1); rank];
        if let Some(axis) = column.get_mut(1) {
            *axis = Dim::Known(self.channels);
        }
        let axes: Vec<usize> = (0..rank).filter(|&axis| axis != 1).collect();
        let wide =
            |graph: &mut tacita_graph::Graph, id| graph.add(Reshape { shape: column.clone() }, &[id], "");
        let moments = if training {
            let mean = graph.add(Mean { axes: axes.clone(), keepdims: true }, &[x], &name)?;
            let apart = graph.add(Sub, &[x, mean], &name)?;
            let square = graph.add(Mul, &[apart, apart], &name)?;
            [mean, graph.add(Mean { axes, keepdims: true }, &[square], &name)?]
        } else {
            [wide(graph, running[0])?, wide(graph, running[1])?]
        };
        let epsilon = graph.add(Constant { shape: vec![], value: self.epsilon }, &[], "")?;
        let variance = graph.add(Add, &[moments[1], epsilon], &name)?;
        let root = graph.add(Rsqrt, &[variance], &name)?;
        let apart = graph.add(Sub, &[x, moments[0]], &name)?;
        let normal = graph.add(Mul, &[apart, root], &name)?;
        let (weight, bias) = (wide(graph, weight)?, wide(graph, bias)?);
        let scaled = graph.add(Mul, &[normal, weight], &name)?;
        let y = graph.add(Add, &[scaled, bias], &name)?;
        if training {
            let count: usize = (0..rank)
                .filter(|&axis| axis != 1)
                .map(|axis| if let Dim::Known(size) = shape[axis] { size } else { 1 })
                .product();
            // the running variance is the unbiased one, as PyTorch's
            let unbiased = count as f64 / (count.max(2) - 1) as f64;
            for (at, what, factor) in [(0, "running_mean", 1.0), (1, "running_var", unbiased)] {
                let graph = net.graph();
                let old = graph.add(Constant { shape: vec![], value: 1.0 - self.momentum }, &[], "")?;
                let new = graph.add(Constant { shape: vec![], value: self.momentum * factor }, &[], "")?;
                let flat = graph.add(Reshape { shape: tacita_graph::dims(&each) }, &[moments[at]], "")?;
                let (old, new) =
                    (graph.add(Mul, &[running[at], old], "")?, graph.add(Mul, &[flat, new], "")?);
                let average = graph.add(Add, &[old, new], what)?;
                net.update(what, average);
            }
        }
        Ok(y)
    }
}
