//! Layers and schedules against PyTorch: what they give, and the derivatives of a weighted sum of it.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{ArrayD, IxDyn};
use serde_json::Value;
use tacita_graph::ops::{Mul, Sum};
use tacita_graph::testing::TARGET;
use tacita_graph::{
    DType, Graph, GraphError, Inputs, Nearest, NodeId, Role, Visibility, dims, encode_every_leaf,
    error_bounds, fixed, grad, lower, optimize, plain, plain_all,
};
use tacita_nn::{
    AvgPool2d, BatchNorm, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Embedding, GroupNorm, Gru, Init,
    Layer, LayerNorm, Linear, Loss, Lstm, MaxPool2d, MultiheadAttention, Net, Optimiser, Reduction, Rnn,
    Schedule, States, Training, TransformerDecoderLayer, TransformerEncoderLayer,
};

/// What PyTorch wrote with 13 digits, both computed in f64.
const TOLERANCE: f64 = 1e-11;

/// Of the largest element: functions are approximated within 2^-11, and some eight of them follow each other.
const PLAUSIBLE: f64 = 1.0 / 256.0;

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
            let dtype = if whole { DType::Int } else { DType::Fixed };
            let owner = Visibility::Private(alice);
            given.push(graph.input_of(&name, &dims(x.shape()), owner, Role::Data, dtype).unwrap());
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
        let axes = (0..inputs["weights"].to_f64().ndim()).collect();
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

/// Initial values are drawn as PyTorch draws them, of which the fixture has the largest of many and their deviation.
#[test]
fn parameters_begin_as_pytorchs_do() {
    let written = fixture("layers.json");
    for (name, build) in &cases() {
        let written = &written[name];
        let mut graph = Graph::new();
        let given: Vec<NodeId> = (written["inputs"].as_array().unwrap().iter().enumerate())
            .map(|(at, x)| {
                let dtype = if *name == "embedding" { DType::Int } else { DType::Fixed };
                let shape = dims(tensor(x).shape());
                graph.input_of(&format!("x{at}"), &shape, Visibility::Secret, Role::Data, dtype).unwrap()
            })
            .collect();
        let mut net = Net::new(&mut graph, true);
        build(&mut net, &given).unwrap();
        for parameter in net.parameters().filter(|parameter| parameter.trained) {
            let what = format!("{name}: {} begins at {:?}", parameter.name, parameter.init);
            let [most, deviation] =
                [0, 1].map(|at| written["initial"][&parameter.name][at].as_f64().unwrap());
            // 400 times what they are
            let count = 400.0 * parameter.shape.iter().product::<usize>() as f64;
            match parameter.init {
                Init::Constant(value) => assert_eq!((most, deviation), (value, value), "{what}"),
                Init::Uniform(bound) => {
                    // the largest of so many is that near with probability 1 - e^-12; f64 of PyTorch's own bound
                    let near = (1.0 - 12.0 / count..=1.0 + 1e-12).contains(&(most / bound));
                    assert!(near, "{what}, there at up to {most}");
                    // squares, in units of the mean's, have variance 4/5: five deviations
                    let apart = (3.0 * (deviation / bound).powi(2) - 1.0).abs();
                    assert!(apart < 5.0 * (0.8 / count).sqrt(), "{what}, there with deviation {deviation}");
                }
                Init::Normal(expected) => {
                    // squares have variance 2
                    let apart = ((deviation / expected).powi(2) - 1.0).abs();
                    assert!(apart < 5.0 * (2.0 / count).sqrt(), "{what}, there with deviation {deviation}");
                    assert!(most > 2.0 * expected, "{what}, there at up to {most}");
                }
                Init::Orthogonal(_) => panic!("{what}, no default of PyTorch's"),
            }
        }
    }
}

#[test]
fn recurrent_layers_end_in_pytorchs_states() {
    let written = fixture("layers.json");
    let lstm = Lstm::new(3, 2);
    let (deep, gru, rnn) = (lstm.with_layers(2).bidirectional(), Gru::new(3, 2), Rnn::new(3, 4));
    type Build = Box<dyn Fn(&mut Net<'_>, NodeId) -> Result<States, GraphError>>;
    let cases: [(&str, Build); 4] = [
        ("lstm", Box::new(move |net, x| lstm.states(net, x))),
        ("lstm of layers", Box::new(move |net, x| deep.states(net, x))),
        ("gru", Box::new(move |net, x| gru.states(net, x))),
        ("rnn", Box::new(move |net, x| rnn.states(net, x))),
    ];
    for (name, build) in cases {
        let written = &written[name];
        let mut graph = Graph::new();
        let mut inputs: Inputs = tensors(&written["parameters"]).into_iter().collect();
        inputs.insert("x".to_owned(), tensor(&written["inputs"][0]));
        let x = graph.input("x", &dims(inputs["x"].shape()), Visibility::Secret, Role::Data).unwrap();
        let states = build(&mut Net::new(&mut graph, false), x).unwrap();
        let values = plain_all(&graph, &inputs).unwrap();
        let theirs = written["states"].as_array().unwrap();
        let ours: Vec<Vec<NodeId>> =
            [states.hidden, states.cells].into_iter().filter(|list| !list.is_empty()).collect();
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            let theirs = tensor(theirs);
            assert_eq!(ours.len(), theirs.shape()[0], "{name}");
            for (id, theirs) in ours.iter().zip(theirs.outer_iter()) {
                close(name, &values[id.index()], &theirs.to_owned());
            }
        }
        close(name, &values[states.sequence.index()], &tensor(&written["y"]));
    }
}

#[test]
fn running_moments_are_pytorchs() {
    let written = &fixture("layers.json")["batch_norm"];
    let x = tensor(&written["inputs"][0]);
    let mut graph = Graph::new();
    let input = |graph: &mut Graph, name: &str| {
        graph.input(name, &dims(x.shape()), Visibility::Secret, Role::Data).unwrap()
    };
    let (of_x, of_t) = (input(&mut graph, "x"), input(&mut graph, "t"));
    let training = Training::new(Loss::Mse(Reduction::Mean), Optimiser::sgd(0.1));
    training.step(&mut graph, &BatchNorm::new(4), of_x, of_t).unwrap();
    let mut inputs: Inputs = tensors(&written["parameters"]).into_iter().collect();
    inputs.extend([("x".to_owned(), x.clone()), ("t".to_owned(), x)]);
    let values = plain(&graph, &inputs).unwrap();
    for (name, expected) in tensors(&written["after"]) {
        let keep = graph.keeps().into_iter().find(|&id| graph.node(id).name == name).unwrap();
        close(&name, &values[&keep], &expected);
    }
}

/// What is computed in fixed point, which the protocol does bit for bit, is as near as the error model says: results and
/// gradients.
#[test]
fn layers_and_their_gradients_are_near_in_fixed_point() {
    let written = fixture("layers.json");
    for (name, build) in &cases() {
        let Case { mut graph, inputs, y, of_inputs, gradients } = Case::new(&written[name], build);
        let alice = graph.owner("alice");
        let all = [y].into_iter().chain(of_inputs).chain(gradients.into_iter().map(|(_, id)| id));
        let reveals: Vec<NodeId> = all.map(|id| graph.reveal(id, &[alice], "").unwrap()).collect();
        assert!(!reveals.is_empty());
        let graph = optimize(&graph.prune().unwrap()).unwrap();
        let exact = plain(&graph, &inputs).unwrap();
        let bounds = error_bounds(&graph, &inputs, 16).unwrap();
        let program = lower(&graph, 16, &TARGET).unwrap();
        let leaves = encode_every_leaf(&graph, &program, &inputs).unwrap();
        let values = fixed(&program, &leaves, &mut Nearest);
        for id in program.reveals() {
            let node = program.node(id);
            let got = values[id.index()].to_f64(node.ty);
            let exact = &exact[&node.origin];
            let largest = exact.iter().fold(0f64, |largest, x| largest.max(x.abs()));
            for ((got, exact), bound) in got.iter().zip(exact).zip(&bounds[&node.origin]) {
                let apart = (got - exact).abs();
                // of the deepest networks the model, of the worst case, says nothing
                assert!(bound.is_nan() || apart <= *bound, "{name}: {got} for {exact}, bound {bound}");
                assert!(apart <= PLAUSIBLE * (1.0 + largest), "{name}: {got} for {exact}");
            }
        }
    }
}

#[test]
fn schedules_are_pytorchs() {
    let written = fixture("schedules.json");
    let cases = [
        ("constant", Schedule::Constant),
        ("step", Schedule::Step { every: 7, factor: 0.3 }),
        ("multi-step", Schedule::MultiStep { after: vec![4, 11, 11, 20], factor: 0.5 }),
        ("exponential", Schedule::Exponential { factor: 0.9 }),
        ("cosine", Schedule::Cosine { steps: 12, least: 0.1 }),
        ("cosine after warm-up", Schedule::Cosine { steps: 20, least: 0.0 }.after_warm_up(0.25, 6)),
    ];
    assert_eq!(cases.len(), written.as_object().unwrap().len());
    for (name, schedule) in cases {
        let rates = written[name].as_array().unwrap();
        assert_eq!(rates.len(), 30);
        for (step, rate) in (1..).zip(rates) {
            let (got, expected) = (schedule.pace(step), rate.as_f64().unwrap());
            assert!((got - expected).abs() < 1e-14, "{name}, step {step}: {got} for {expected}");
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error_that_names_the_layer() {
    let refused = |shape: &[usize], build: Build| {
        let mut graph = Graph::new();
        let x = graph.input("x", &dims(shape), Visibility::Secret, Role::Data).unwrap();
        let mut net = Net::new(&mut graph, false);
        net.within("0", |net| build(net, &[x, x, x])).unwrap_err().to_string()
    };
    let cases: Vec<(&[usize], Build, &str)> = vec![
        (&[2, 3], layer(Lstm::new(3, 2)), "0.lstm"),
        (&[2, 4, 2], layer(Gru::new(3, 2)), "0.gru"),
        (&[4, 4], layer(MultiheadAttention::new(4, 2)), "0.attention"),
        (&[1, 3, 4], layer(MultiheadAttention::new(6, 2)), "0.attention"),
        (&[1, 3, 4], layer(TransformerEncoderLayer::new(6, 2)), "0.self_attn.attention"),
        (&[1, 4, 3], layer(GroupNorm::new(3, 4)), "3 groups of 4 channels"),
        (&[1, 4, 3], layer(ConvTranspose1d::new(4, 2, [2]).with_output_padding([1])), "0.conv_transpose"),
    ];
    for (shape, build, expected) in cases {
        let error = refused(shape, build);
        assert!(error.contains(expected), "{error} for {expected}");
    }
}
