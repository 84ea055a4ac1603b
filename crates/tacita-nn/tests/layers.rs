//! Layers and schedules against PyTorch: what they give, and the derivatives of a weighted sum of it.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{ArrayD, IxDyn};
use serde_json::Value;
use tacita_graph::ops::{Mul, Sum};
use tacita_graph::{
    Graph, GraphError, Inputs, Kind, Nearest, NodeId, Role, Visibility, dims, encode_every_leaf,
    error_bounds, fixed, grad, lower, optimize, plain, plain_all,
};
use tacita_nn::{
    AvgPool2d, BatchNorm, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Embedding, GroupNorm, Gru, Layer,
    LayerNorm, Linear, Loss, Lstm, MaxPool2d, MultiheadAttention, Net, Optimiser, Reduction, Rnn, Schedule,
    States, Training, TransformerDecoderLayer, TransformerEncoderLayer,
};

/// What PyTorch wrote with 13 digits, both computed in f64.
const TOLERANCE: f64 = 1e-11;

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A tensor as its shape and its elements.
fn tensor(value: &Value) -> ArrayD<f64> {
    let shape: Vec<usize> =
        value[0].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
    let data = value[1].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    ArrayD::from_shape_vec(IxDyn(&shape), data).unwrap()
}

fn tensors(value: &Value) -> BTreeMap<String, ArrayD<f64>> {
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), tensor(value))).collect()
}

fn close(what: &str, got: &ArrayD<f64>, expected: &ArrayD<f64>) {
    assert_eq!(got.shape(), expected.shape(), "{what}");
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        let apart = (got - expected).abs();
        assert!(apart <= TOLERANCE * (1.0 + expected.abs()), "{what}: {got} for {expected} at {at}");
    }
}

/// What a layer of the fixture makes of its inputs.
type Build = Box<dyn Fn(&mut Net<'_>, &[NodeId]) -> Result<NodeId, GraphError>>;

fn layer(layer: impl Layer + 'static) -> Build {
    Box::new(move |net, x| layer.forward(net, x[0]))
}

fn cases() -> Vec<(&'static str, Build)> {
    let attention = MultiheadAttention::new(4, 2);
    let encoder = TransformerEncoderLayer::new(4, 2).with_dropout(0.0);
    let decoder = TransformerDecoderLayer::new(4, 2).with_dropout(0.0);
    vec![
        ("linear", layer(Linear::new(3, 2))),
        ("linear without bias", layer(Linear::new(3, 2).without_bias())),
        ("conv1d", layer(Conv1d::new(2, 3, [3]).with_stride([2]).with_padding([1]))),
        (
            "conv2d",
            layer(
                Conv2d::new(4, 2, [2, 3])
                    .with_stride([1, 2])
                    .with_padding([1, 0])
                    .with_dilation([2, 1])
                    .with_groups(2),
            ),
        ),
        (
            "conv_transpose1d",
            layer(
                ConvTranspose1d::new(2, 3, [3]).with_stride([2]).with_padding([1]).with_output_padding([1]),
            ),
        ),
        (
            "conv_transpose1d in groups",
            layer(
                ConvTranspose1d::new(4, 2, [2])
                    .with_stride([3])
                    .with_dilation([2])
                    .with_groups(2)
                    .without_bias(),
            ),
        ),
        (
            "conv_transpose2d",
            layer(
                ConvTranspose2d::new(4, 2, [3, 2])
                    .with_stride([2, 1])
                    .with_padding([1, 0])
                    .with_output_padding([1, 0])
                    .with_groups(2),
            ),
        ),
        ("batch_norm", layer(BatchNorm::new(4))),
        ("batch_norm as used", layer(BatchNorm::new(4))),
        ("layer_norm", layer(LayerNorm::new(4))),
        ("group_norm", layer(GroupNorm::new(2, 4))),
        ("embedding", layer(Embedding::new(5, 3))),
        ("max_pool", layer(MaxPool2d::new([2, 3]))),
        ("avg_pool", layer(AvgPool2d::new([2, 3]))),
        ("rnn", layer(Rnn::new(3, 4))),
        ("rnn of relu", layer(Rnn::new(3, 2).with_relu().with_layers(2).bidirectional())),
        ("lstm", layer(Lstm::new(3, 2))),
        ("lstm of layers", layer(Lstm::new(3, 2).with_layers(2).bidirectional())),
        ("last of an lstm", layer(Lstm::new(3, 2).with_layers(2).bidirectional().last())),
        ("gru", layer(Gru::new(3, 2))),
        ("gru of layers", layer(Gru::new(3, 2).with_layers(2).bidirectional().without_bias())),
        ("last of a gru", layer(Gru::new(3, 2).last())),
        ("attention", layer(attention)),
        ("causal attention", layer(attention.causal())),
        ("cross attention", Box::new(move |net, x| attention.attend(net, x[0], x[1], x[2]))),
        ("encoder", layer(encoder.with_inner(5))),
        ("encoder with norms first", layer(encoder.with_inner(3).norm_first().with_gelu().causal())),
        (
            "decoder",
            Box::new(move |net, x| decoder.with_inner(5).with_gelu().causal().decode(net, x[0], x[1])),
        ),
        (
            "decoder with norms first",
            Box::new(move |net, x| decoder.with_inner(3).norm_first().decode(net, x[0], x[1])),
        ),
    ]
}

/// A layer in a graph, and what the fixture says of it.
struct Case {
    graph: Graph,
    inputs: Inputs,
    y: NodeId,
    of_inputs: Vec<NodeId>,
    gradients: Vec<(String, NodeId)>,
}

impl Case {
    fn new(written: &Value, build: &Build) -> Case {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let mut inputs = Inputs::from([("weights".to_owned(), tensor(&written["weights"]))]);
        let mut given = Vec::new();
        let whole = written["of_inputs"].as_array().unwrap().is_empty();
        for (at, x) in written["inputs"].as_array().unwrap().iter().enumerate() {
            let (name, x) = (format!("x{at}"), tensor(x));
            let kind = if whole { Kind::Int } else { Kind::Fixed };
            let owner = Visibility::Private(alice);
            given.push(graph.input_of(&name, &dims(x.shape()), owner, Role::Data, kind).unwrap());
            inputs.insert(name, x);
        }
        let mut net = Net::new(&mut graph, written["train"].as_bool().unwrap());
        let y = build(&mut net, &given).unwrap();
        let parameters: Vec<_> = net.parameters().cloned().collect();
        // PyTorch's names and shapes, all of them
        let names: BTreeSet<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let theirs = tensors(&written["parameters"]);
        assert_eq!(names, theirs.keys().cloned().collect());
        for parameter in &parameters {
            assert_eq!(parameter.shape, theirs[&parameter.name].shape(), "{}", parameter.name);
        }
        inputs.extend(theirs);
        let weights =
            graph.input("weights", &dims(inputs["weights"].shape()), Visibility::Public, Role::Data);
        let weighted = graph.add(Mul, &[y, weights.unwrap()], "").unwrap();
        let axes = (0..inputs["weights"].ndim()).collect();
        let loss = graph.add(Sum { axes, keepdims: false }, &[weighted], "loss").unwrap();
        let trained: Vec<String> =
            parameters.into_iter().filter(|parameter| parameter.trained).map(|p| p.name).collect();
        let nodes: Vec<NodeId> = graph.inputs();
        let by_name = |name: &String| nodes.iter().copied().find(|&id| graph.node(id).name == *name).unwrap();
        let mut of: Vec<NodeId> = trained.iter().map(by_name).collect();
        if !whole {
            of.extend(&given);
        }
        let mut gradients = grad(&mut graph, loss, &of).unwrap();
        let of_inputs = gradients.split_off(trained.len());
        Case { graph, inputs, y, of_inputs, gradients: trained.into_iter().zip(gradients).collect() }
    }
}

#[test]
fn layers_and_their_gradients_are_pytorchs() {
    let written = fixture("layers.json");
    let cases = cases();
    let names: BTreeSet<&str> = cases.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, written.as_object().unwrap().keys().map(String::as_str).collect());
    for (name, build) in &cases {
        let written = &written[name];
        let case = Case::new(written, build);
        let values = plain_all(&case.graph, &case.inputs).unwrap();
        close(name, &values[case.y.index()], &tensor(&written["y"]));
        let expected = tensors(&written["gradients"]);
        assert_eq!(case.gradients.len(), expected.len(), "{name}");
        for (parameter, id) in &case.gradients {
            close(&format!("{name}, by {parameter}"), &values[id.index()], &expected[parameter]);
        }
        for (at, (id, expected)) in
            case.of_inputs.iter().zip(written["of_inputs"].as_array().unwrap()).enumerate()
        {
            close(&format!("{name}, by input {at}"), &values[id.index()], &tensor(expected));
        }
    }
}
