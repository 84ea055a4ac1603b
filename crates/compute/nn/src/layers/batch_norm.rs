use tacita_graph::ops::{self, Add};
use tacita_graph::{GraphError, NodeId, functions};

use crate::init::Init;
use crate::layer::Layer;
use crate::net::Net;
use crate::public::times;

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
        let running_mean = net.buffer("running_mean", &each, Init::Constant(0.0))?;
        let running_var = net.buffer("running_var", &each, Init::Constant(1.0))?;
        let (training, name) = (net.is_training(), net.name("batch_norm"));
        if !training {
            let op = ops::BatchNorm { epsilon: self.epsilon };
            return net.graph().add(op, &[x, weight, bias, running_mean, running_var], &name);
        }
        let graph = net.graph();
        let (weight, bias) = (Some(weight), Some(bias));
        let [y, mean, variance] =
            functions::batch_norm_training(graph, x, weight, bias, self.epsilon, &name)?;
        // the running variance is the unbiased one, as PyTorch's
        let shape = graph.node(x).ty.shape.iter();
        let sizes = shape.copied();
        let count = sizes.product::<usize>() / self.channels.max(1);
        let unbiased = count as f64 / (count.max(2) - 1) as f64;
        for (what, running, of_batch, factor) in
            [("running_mean", running_mean, mean, 1.0), ("running_var", running_var, variance, unbiased)]
        {
            let graph = net.graph();
            let old = times(graph, running, 1.0 - self.momentum)?;
            let new = times(graph, of_batch, self.momentum * factor)?;
            let average = graph.add(Add, &[old, new], "")?;
            net.update(what, average);
        }
        Ok(y)
    }
}
