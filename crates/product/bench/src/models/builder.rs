//! Layers with random weights.

use ndarray::{ArrayD, IxDyn};
use tacita_graph::ops::{Add, BatchNorm, Conv, MatMul, MaxPool, Relu};
use tacita_graph::testing::Random;
use tacita_graph::{Graph, GraphError, Inputs, NodeId, Owner, Role, Visibility, dims};

use super::Network;

/// A convolution: filters, kernel, stride, padding on both sides, the last three for each spatial axis.
pub(super) struct Filters<const AXES: usize> {
    pub outputs: usize,
    pub kernel: [usize; AXES],
    pub stride: [usize; AXES],
    pub pad: [usize; AXES],
}

/// A network that grows.
pub(super) struct Builder {
    pub graph: Graph,
    pub batch: usize,
    inputs: Inputs,
    random: Random,
    alice: Owner,
    bob: Visibility,
}

impl Builder {
    pub fn new(batch: usize) -> Builder {
        let mut graph = Graph::new();
        let [alice, bob] = ["alice", "bob"].map(|name| graph.owner(name));
        let bob = Visibility::Private(bob);
        Builder { graph, batch, inputs: Inputs::new(), random: Random::new(7), alice, bob }
    }

    /// The whole network, whose result Alice learns.
    pub fn revealing(mut self, result: NodeId) -> Result<Network, GraphError> {
        self.graph.reveal(result, &[self.alice], "result")?;
        Ok(Network { graph: self.graph, inputs: self.inputs })
    }

    /// Alice's input, a sample of this shape: numbers of mean 0 and variance 1.
    pub fn input(&mut self, name: &str, sample: &[usize]) -> Result<NodeId, GraphError> {
        let shape = [&[self.batch], sample].concat();
        // a shape that is too large is refused before there are numbers for it
        let id = self.graph.input(name, &dims(&shape), Visibility::Private(self.alice), Role::Data)?;
        let data = self.uniform(&shape, 0.0, 3f64.sqrt());
        self.inputs.insert(name.to_owned(), data);
        Ok(id)
    }

    /// Weights of Bob's: numbers within `width` of `centre`.
    pub fn weights(
        &mut self,
        name: String,
        shape: &[usize],
        centre: f64,
        width: f64,
    ) -> Result<NodeId, GraphError> {
        let id = self.graph.input(&name, &dims(shape), self.bob, Role::Parameter)?;
        let data = self.uniform(shape, centre, width);
        // as a model's file holds them
        self.inputs.insert(name, data.mapv(|x| x as f32));
        Ok(id)
    }

    fn uniform(&mut self, shape: &[usize], centre: f64, width: f64) -> ArrayD<f64> {
        let mut number = || centre + width * (2.0 * self.random.unit() - 1.0);
        ArrayD::from_shape_simple_fn(IxDyn(shape), &mut number)
    }

    /// The size of an axis.
    pub fn size(&self, x: NodeId, axis: usize) -> usize {
        self.graph.node(x).ty.shape[axis]
    }

    /// A convolution over one or two axes. The result's mean square is twice the input's, so that a ReLU after it keeps it
    /// (He and others, ICCV '15).
    pub fn conv<const AXES: usize>(
        &mut self,
        x: NodeId,
        filters: &Filters<AXES>,
        bias: bool,
        name: &str,
    ) -> Result<NodeId, GraphError> {
        let Filters { outputs, kernel, stride, pad } = filters;
        let shape = [&[*outputs, self.size(x, 1)], &kernel[..]].concat();
        let fan: usize = shape[1..].iter().product();
        let mut inputs =
            vec![x, self.weights(format!("{name}.weight"), &shape, 0.0, (6.0 / fan as f64).sqrt())?];
        if bias {
            inputs.push(self.weights(format!("{name}.bias"), &[*outputs], 0.0, 0.1)?);
        }
        let conv = Conv {
            stride: stride.to_vec(),
            pads_begin: pad.to_vec(),
            pads_end: pad.to_vec(),
            dilation: vec![1; AXES],
            groups: 1,
        };
        self.graph.add(conv, &inputs, name)
    }

    /// Batch normalisation of a convolution's result: its mean square becomes `scale`² times that before the convolution.
    pub fn batch_norm(&mut self, x: NodeId, scale: f64, name: &str) -> Result<NodeId, GraphError> {
        let channels = [self.size(x, 1)];
        let mut inputs = vec![x];
        for (part, centre, width) in
            [("scale", scale, 0.1 * scale), ("bias", 0.0, 0.1), ("mean", 0.0, 0.1), ("var", 2.0, 0.2)]
        {
            inputs.push(self.weights(format!("{name}.{part}"), &channels, centre, width)?);
        }
        self.graph.add(BatchNorm { epsilon: 1e-5 }, &inputs, name)
    }

    /// A fully connected layer with bias on the last axis. `gain` is the factor of the mean square.
    pub fn linear(&mut self, x: NodeId, outputs: usize, gain: f64, name: &str) -> Result<NodeId, GraphError> {
        let features = self.size(x, self.graph.node(x).ty.rank() - 1);
        let width = (3.0 * gain / features as f64).sqrt();
        let weight = self.weights(format!("{name}.weight"), &[features, outputs], 0.0, width)?;
        let bias = self.weights(format!("{name}.bias"), &[outputs], 0.0, 0.1)?;
        let product = self.graph.add(MatMul, &[x, weight], name)?;
        self.graph.add(Add, &[product, bias], &format!("{name}.sum"))
    }

    pub fn relu(&mut self, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
        self.graph.add(Relu, &[x], name)
    }

    /// The largest of each square window.
    pub fn max_pool(
        &mut self,
        x: NodeId,
        kernel: usize,
        pad: usize,
        name: &str,
    ) -> Result<NodeId, GraphError> {
        let [pads_begin, pads_end] = [(); 2].map(|()| vec![pad; 2]);
        let (kernel, stride, dilation) = (vec![kernel; 2], vec![2; 2], vec![1; 2]);
        let pool = MaxPool { kernel, stride, pads_begin, pads_end, dilation, ceil_mode: false };
        self.graph.add(pool, &[x], name)
    }
}
