//! Networks of `tacita-nn` as they are used after training.

use tacita_graph::ops::{MatMul, Mul, Reshape, Softmax, Transpose};
use tacita_graph::{DType, NodeId, dims};
use tacita_nn::{
    AvgPool2d, BatchNorm, Conv2d, Embedding, Flatten, Init, Layer, LayerNorm, Linear, MaxPool2d, Net, Relu,
    Sequential,
};

use super::{BATCH, Case};

/// Builds a network on the input; its parameters get values of the size that initialisation gives them.
fn apply(c: &mut Case, network: &dyn Layer, x: NodeId) -> NodeId {
    let mut net = Net::new(&mut c.graph, false);
    let y = network.forward(&mut net, x).unwrap();
    let parameters: Vec<_> = net.parameters().cloned().collect();
    for parameter in parameters {
        c.fill(&parameter.name, &parameter.shape, DType::Fixed);
        let size = match parameter.init {
            Init::Uniform(bound) => bound / 2.0,
            _ => 0.25,
        };
        let value = c.values.get_mut(&parameter.name).unwrap();
        let mut numbers = value.to_f64().mapv(|x| (x * size) as f32);
        if parameter.name.ends_with("running_var") {
            numbers.mapv_inplace(|x| (0.25 + f64::from(x).powi(2)) as f32);
        }
        *value = numbers.into();
    }
    y
}

#[test]
fn a_perceptron() {
    let mut c = Case::new(1);
    let x = c.data(&[0, 30], DType::Fixed);
    let network = Sequential::new().then(Linear::new(30, 16)).then(Relu).then(Linear::new(16, 3));
    let logits = apply(&mut c, &network, x);
    let classes = c.add(Softmax { axis: 1 }, &[logits]);
    c.check("network_mlp", &[logits, classes]);
}

#[test]
fn lenet() {
    let mut c = Case::new(2);
    let x = c.data(&[0, 1, 28, 28], DType::Fixed);
    let network = Sequential::new()
        .then(Conv2d::new(1, 16, [5, 5]))
        .then(MaxPool2d::new([2, 2]))
        .then(Relu)
        .then(Conv2d::new(16, 32, [5, 5]))
        .then(MaxPool2d::new([2, 2]))
        .then(Relu)
        .then(Flatten)
        .then(Linear::new(512, 128))
        .then(Relu)
        .then(Linear::new(128, 10));
    let logits = apply(&mut c, &network, x);
    c.check("network_lenet", &[logits]);
}

#[test]
fn a_network_with_batch_norm() {
    let mut c = Case::new(3);
    let x = c.data(&[0, 3, 12, 12], DType::Fixed);
    let network = Sequential::new()
        .then(Conv2d::new(3, 8, [3, 3]).with_padding([1, 1]).without_bias())
        .then(BatchNorm::new(8))
        .then(Relu)
        .then(Conv2d::new(8, 8, [3, 3]).with_padding([1, 1]).with_groups(4).with_stride([2, 2]))
        .then(BatchNorm::new(8))
        .then(Relu)
        .then(AvgPool2d::new([2, 2]))
        .then(Flatten)
        .then(Linear::new(72, 10))
        .then(BatchNorm::new(10));
    let logits = apply(&mut c, &network, x);
    c.check("network_batch_norm", &[logits]);
}

/// Words, an attention of two heads with a residual and a layer norm, and what is said of the first word.
#[test]
fn an_attention() {
    const FEATURES: usize = 8;
    const HEADS: usize = 2;
    const WORDS: usize = 6;
    let mut c = Case::new(4);
    let words = c.data(&[0, WORDS], DType::Int);
    // what is not a word counts from the end
    let x = apply(&mut c, &Named("words", Embedding::new(9, FEATURES)), words);
    let split = |c: &mut Case, name, x| {
        let x = apply(c, &Named(name, Linear::new(FEATURES, FEATURES)), x);
        let heads = [BATCH].into_iter().chain(dims(&[WORDS, HEADS, FEATURES / HEADS])).collect();
        let x = c.add(Reshape { shape: heads }, &[x]);
        c.add(Transpose { perm: vec![0, 2, 1, 3] }, &[x])
    };
    let [q, k, v] = ["q", "k", "v"].map(|name| split(&mut c, name, x));
    let turned = c.add(Transpose { perm: vec![0, 1, 3, 2] }, &[k]);
    let scores = c.add(MatMul, &[q, turned]);
    let scale = c.number(0.5);
    let scores = c.add(Mul, &[scores, scale]);
    let weights = c.add(Softmax { axis: 3 }, &[scores]);
    let heads = c.add(MatMul, &[weights, v]);
    let heads = c.add(Transpose { perm: vec![0, 2, 1, 3] }, &[heads]);
    let shape = [BATCH].into_iter().chain(dims(&[WORDS, FEATURES])).collect();
    let joined = c.add(Reshape { shape }, &[heads]);
    let mixed = c.add(tacita_graph::ops::Add, &[x, joined]);
    let normal = apply(&mut c, &Named("norm", LayerNorm::new(FEATURES)), mixed);
    let network = Sequential::new().then(Flatten).then(Linear::new(WORDS * FEATURES, 3));
    let logits = apply(&mut c, &Named("head", network), normal);
    c.check("network_attention", &[logits, normal]);
}

/// A layer under a name.
struct Named<L>(&'static str, L);

impl<L: Layer> Layer for Named<L> {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, tacita_graph::GraphError> {
        net.within(self.0, |net| self.1.forward(net, x))
    }
}
