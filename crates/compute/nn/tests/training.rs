//! Steps of training in the clear against the same written out, and layers and losses by what they must give.

use ndarray::{Array2, ArrayD, IxDyn, arr0};
use tacita_graph::testing::Random;
use tacita_graph::testing::TARGET;
use tacita_graph::{
    DType, Graph, GraphError, Inputs, NodeId, Op, Role, Visibility, dims, lower, optimize, plain, plain_all,
};
use tacita_nn::{
    BatchNorm, Clipping, Conv1d, Conv2d, ConvTranspose2d, Dropout, Elementwise, Embedding, Flatten, Frozen,
    GroupNorm, Gru, Layer, LayerNorm, Linear, Loss, Lstm, MaxPool2d, MultiheadAttention, Net, Optimiser,
    Parameter, Reduction, Relu, Rnn, Rule, Sequential, Step, Training, TransformerDecoderLayer,
    TransformerEncoderLayer,
};

const SAMPLES: usize = 6;
const FEATURES: usize = 3;

struct Setting {
    graph: Graph,
    step: Step,
    state: Inputs,
}

/// A graph with one step of a network on x and t, and where it begins.
fn setting(training: &Training, network: &dyn Layer, x: &[usize], t: &[usize]) -> Setting {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let input = |graph: &mut Graph, name: &str, shape: &[usize]| {
        graph.input(name, &dims(shape), Visibility::Private(alice), Role::Data).unwrap()
    };
    let (x, t) = (input(&mut graph, "x", x), input(&mut graph, "t", t));
    let step = training.step(&mut graph, network, x, t).unwrap();
    graph.reveal(step.loss, &[alice], "loss").unwrap();
    let mut start = Graph::new();
    let begin = step.start(&mut start).unwrap();
    let state = kept(&start, &plain(&start, &begin.values(5)).unwrap());
    Setting { graph, step, state }
}

/// What a graph keeps, by name.
fn kept(graph: &Graph, values: &std::collections::BTreeMap<NodeId, ArrayD<f64>>) -> Inputs {
    graph.keeps().into_iter().map(|id| (graph.node(id).name.clone(), values[&id].clone())).collect()
}

/// Takes a step and returns the loss before it.
fn advance(setting: &mut Setting, data: &Inputs) -> f64 {
    let mut inputs = setting.state.clone();
    inputs.extend(data.iter().map(|(name, value)| (name.clone(), value.clone())));
    let values = plain(&setting.graph, &inputs).unwrap();
    setting.state = kept(&setting.graph, &values);
    *values[&setting.graph.reveals()[0]].first().unwrap()
}

fn random(random: &mut Random, shape: &[usize]) -> ArrayD<f64> {
    ArrayD::from_shape_simple_fn(IxDyn(shape), || 2.0 * random.unit() - 1.0)
}

/// x, targets, and the gradient of the mean square error of x wᵀ + b by w and b.
struct Regression {
    x: Array2<f64>,
    t: Array2<f64>,
    w: Array2<f64>,
    b: f64,
}

impl Regression {
    fn new(state: &Inputs) -> Regression {
        let mut r = Random::new(3);
        let x = random(&mut r, &[SAMPLES, FEATURES]).into_dimensionality().unwrap();
        let t = random(&mut r, &[SAMPLES, 1]).into_dimensionality().unwrap();
        let w = state["weight"].clone().to_f64().into_dimensionality().unwrap();
        Regression { x, t, w, b: state["bias"].to_f64()[[0]] }
    }

    fn data(&self) -> Inputs {
        Inputs::from([
            ("x".to_owned(), self.x.clone().into_dyn()),
            ("t".to_owned(), self.t.clone().into_dyn()),
        ])
    }

    fn gradient(&self) -> Vec<f64> {
        let apart = self.x.dot(&self.w.t()) + self.b - &self.t;
        let by_w = apart.t().dot(&self.x) * (2.0 / SAMPLES as f64);
        by_w.iter().copied().chain([2.0 * apart.mean().unwrap()]).collect()
    }

    fn change(&mut self, by: &[f64]) {
        self.w.iter_mut().zip(by).for_each(|(w, by)| *w += by);
        self.b += by[FEATURES];
    }
}

/// Compares some steps with `reference`, which says the change from the gradient, the values and the step's number.
fn follow(optimiser: Optimiser, mut reference: impl FnMut(&[f64], &[f64], i32) -> Vec<f64>) {
    let training = Training::new(Loss::Mse(Reduction::Mean), optimiser);
    let mut ours = setting(&training, &Linear::new(FEATURES, 1), &[SAMPLES, FEATURES], &[SAMPLES, 1]);
    let mut theirs = Regression::new(&ours.state);
    for number in 1..=8 {
        let mut data = theirs.data();
        if training.is_paced() {
            data.insert(Training::PACE.to_owned(), arr0(training.optimiser().pace(number)).into_dyn());
        }
        advance(&mut ours, &data);
        let values: Vec<f64> = theirs.w.iter().copied().chain([theirs.b]).collect();
        let change = reference(&theirs.gradient(), &values, number as i32);
        theirs.change(&change);
        for (ours, theirs) in ours.state["weight"].to_f64().iter().zip(&theirs.w) {
            assert!((ours - theirs).abs() < 1e-9, "step {number}: {ours} for {theirs}");
        }
        assert!((ours.state["bias"].to_f64()[[0]] - theirs.b).abs() < 1e-9);
    }
}

#[test]
fn gradient_descent_is_as_written() {
    follow(Optimiser::sgd(0.1), |g, _, _| g.iter().map(|g| -0.1 * g).collect());
    for nesterov in [false, true] {
        let mut v = [0.0; FEATURES + 1];
        let rule = Rule::Sgd { momentum: 0.9, nesterov };
        follow(Optimiser { rule, ..Optimiser::sgd(0.1).with_weight_decay(0.02) }, |g, w, _| {
            let change = |(at, v): (usize, &mut f64)| {
                let g = g[at] + 0.02 * w[at];
                *v = 0.9 * *v + g;
                -0.1 * if nesterov { g + 0.9 * *v } else { *v }
            };
            v.iter_mut().enumerate().map(change).collect()
        });
    }
}

#[test]
fn adaptive_rules_are_as_written() {
    // ε is 2^-7 of a gradient scaled by 256
    let epsilon: f64 = 1.0 / 128.0 / 256.0;
    let (mut m, mut v) = ([0.0; FEATURES + 1], [0.0; FEATURES + 1]);
    follow(Optimiser::adam_w(0.01), |g, w, t| {
        let change = |at: usize| {
            m[at] = 0.9 * m[at] + 0.1 * g[at];
            v[at] = 0.999 * v[at] + 0.001 * g[at] * g[at];
            let pace = (1.0 - 0.999f64.powi(t)).sqrt() / (1.0 - 0.9f64.powi(t));
            -0.01 * (pace * m[at] / (v[at] + epsilon * epsilon).sqrt() + 0.01 * w[at])
        };
        (0..=FEATURES).map(change).collect()
    });
    let mut v = [0.0; FEATURES + 1];
    follow(Optimiser::rms_prop(0.01), |g, _, _| {
        let change = |at: usize| {
            v[at] = 0.99 * v[at] + 0.01 * g[at] * g[at];
            -0.01 * g[at] / (v[at] + epsilon * epsilon).sqrt()
        };
        (0..=FEATURES).map(change).collect()
    });
}

#[test]
fn clipped_gradients_are_as_written() {
    follow(Optimiser::sgd(0.1).with_clipping(Clipping::Value(0.05)), |g, _, _| {
        g.iter().map(|g| -0.1 * g.clamp(-0.05, 0.05)).collect()
    });
    follow(Optimiser::sgd(0.1).with_clipping(Clipping::Norm(0.2)), |g, _, _| {
        let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
        g.iter().map(|g| -0.1 * g * (0.2 / norm).min(1.0)).collect()
    });
}

/// A decoder that is told the sequence itself.
struct Decoding(TransformerDecoderLayer);

impl Layer for Decoding {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        self.0.decode(net, x, x)
    }
}

#[test]
fn networks_of_every_layer_learn() {
    let image = Sequential::new()
        .then(Conv2d::new(1, 4, [3, 3]).with_padding([1, 1]).without_bias())
        .then(BatchNorm::new(4))
        .then(Relu)
        .then(MaxPool2d::new([2, 2]))
        .then(Flatten)
        .then(Dropout(0.1))
        .then(Linear::new(4 * 9, 8))
        .then(LayerNorm::new(8))
        .then(Elementwise::gelu())
        .then(Linear::new(8, 3));
    let line = Sequential::new()
        .then(Conv1d::new(2, 4, [3]).with_stride([2]))
        .then(Elementwise::tanh())
        .then(Flatten)
        .then(Linear::new(12, 3));
    let grown = Sequential::new()
        .then(ConvTranspose2d::new(1, 4, [3, 3]).with_stride([2, 2]))
        .then(GroupNorm::new(2, 4))
        .then(Relu)
        .then(Flatten)
        .then(Linear::new(4 * 49, 3));
    let lstm = Sequential::new()
        .then(Lstm::new(4, 6).with_layers(2).with_dropout(0.1).last())
        .then(Linear::new(6, 3));
    let gru = Sequential::new()
        .then(Gru::new(4, 4).bidirectional())
        .then(Rnn::new(8, 6).last())
        .then(Linear::new(6, 3));
    let attending = Sequential::new()
        .then(TransformerEncoderLayer::new(4, 2).with_inner(8).causal())
        .then(MultiheadAttention::new(4, 1).with_dropout(0.1))
        .then(Decoding(TransformerDecoderLayer::new(4, 2).with_inner(8)))
        .then(Flatten)
        .then(Linear::new(20, 3));
    let cases: [(&dyn Layer, &[usize], u64); 6] = [
        (&image, &[8, 1, 6, 6], 60),
        (&line, &[8, 2, 7], 60),
        (&grown, &[8, 1, 3, 3], 60),
        (&lstm, &[8, 5, 4], 150),
        (&gru, &[8, 5, 4], 150),
        (&attending, &[8, 5, 4], 150),
    ];
    let descent = Optimiser::sgd(0.1).with_momentum(0.9);
    for (network, shape, steps) in cases {
        // sequences have steep places, where plain descent is thrown back
        let optimiser = if shape[1] == 5 { Optimiser::adam(0.02) } else { descent };
        let training = Training::new(Loss::CrossEntropy(Reduction::Mean), optimiser);
        let mut setting = setting(&training, network, shape, &[8, 3]);
        let mut r = Random::new(1);
        let t = ArrayD::from_shape_fn(vec![8, 3], |at| f64::from(u8::from(at[0] % 3 == at[1])));
        let mut data = Inputs::from([("x".to_owned(), random(&mut r, shape)), ("t".to_owned(), t)]);
        let losses: Vec<f64> = (1..=steps)
            .map(|step| {
                data.insert(Training::PACE.to_owned(), arr0(optimiser.pace(step)).into_dyn());
                advance(&mut setting, &data)
            })
            .collect();
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        assert!(last < 0.2 * first, "from {first} to {last}");
        lower(&optimize(&setting.graph).unwrap(), 16, &TARGET).unwrap();
    }
}

#[test]
fn parameters_are_named_as_pytorch_names_them() {
    let network =
        Sequential::new().then(Conv2d::new(1, 2, [3, 3])).then(Relu).then(Flatten).then(Linear::new(8, 2));
    let training = Training::new(Loss::Mse(Reduction::Sum), Optimiser::adam(0.1));
    let setting = setting(&training, &network, &[4, 1, 4, 4], &[4, 2]);
    let names: Vec<&str> = setting.step.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["0.weight", "0.bias", "3.weight", "3.bias"]);
    assert_eq!(setting.step.memory.len(), 8);
    let bound = (1.0 / 9f64).sqrt();
    assert!(setting.state["0.weight"].to_f64().iter().all(|w| w.abs() <= bound));
    assert!(setting.state["0.weight"].to_f64().iter().any(|w| w.abs() > bound / 2.0), "they are spread");
    assert!(setting.state["3.weight: first moment"].to_f64().iter().all(|m| *m == 0.0));
}

#[test]
fn batch_norm_uses_what_it_learnt() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let x = graph.input("x", &dims(&[2, 2]), Visibility::Private(alice), Role::Data).unwrap();
    let y = BatchNorm::new(2).apply(&mut graph, x).unwrap();
    let of = |values: [f64; 2]| ArrayD::from_shape_vec(IxDyn(&[2]), values.to_vec()).unwrap();
    let inputs = Inputs::from([
        ("x".to_owned(), ArrayD::from_shape_vec(IxDyn(&[2, 2]), vec![1.0, 2.0, 3.0, 4.0]).unwrap()),
        ("weight".to_owned(), of([2.0, 1.0])),
        ("bias".to_owned(), of([0.5, 0.0])),
        ("running_mean".to_owned(), of([1.0, 3.0])),
        ("running_var".to_owned(), of([4.0, 1.0])),
    ]);
    let got = &plain_all(&graph, &inputs).unwrap()[y.index()];
    for (got, expected) in got.iter().zip([0.5, -1.0, 2.5, 1.0]) {
        assert!((got - expected).abs() < 1e-4, "{got} for {expected}");
    }
}

#[test]
fn batch_norm_is_lowered_trained_and_used() {
    let training = Training::new(Loss::Mse(Reduction::Mean), Optimiser::sgd(0.1));
    let trained = setting(&training, &BatchNorm::new(3), &[4, 3, 2], &[4, 3, 2]);
    let mut used = Graph::new();
    let alice = used.owner("alice");
    let x = used.input("x", &dims(&[4, 3, 2]), Visibility::Private(alice), Role::Data).unwrap();
    let y = BatchNorm::new(3).apply(&mut used, x).unwrap();
    used.reveal(y, &[alice], "y").unwrap();
    for graph in [trained.graph, used] {
        lower(&optimize(&graph).unwrap(), 16, &TARGET).unwrap();
    }
}

#[test]
fn losses_are_pytorchs() {
    // written out from the definitions in PyTorch's documentation
    let x = [[0.5, -1.0], [2.0, 0.25]];
    let t = [[1.0, 0.0], [0.0, 1.0]];
    let array = |values: [[f64; 2]; 2]| ndarray::arr2(&values).into_dyn();
    let softplus = |x: f64| x.exp().ln_1p();
    let bce =
        [softplus(0.5) - 0.5, softplus(-1.0), softplus(2.0), softplus(0.25) - 0.25].iter().sum::<f64>() / 4.0;
    let cross = [
        1f64.exp().mul_add(0.0, (0.5f64.exp() + (-1f64).exp()).ln() - 0.5),
        (2f64.exp() + 0.25f64.exp()).ln() - 0.25,
    ];
    let edge = 2f64.powi(-10);
    let cosine = |product: f64, square: f64| product / ((square + 1e-3) * (1.0 + 1e-3)).sqrt();
    let cases = [
        (Loss::Mse(Reduction::Mean), (0.25 + 1.0 + 4.0 + 0.5625) / 4.0),
        (Loss::L1(Reduction::Sum), 0.5 + 1.0 + 2.0 + 0.75),
        (Loss::Huber(1.0, Reduction::Mean), (0.125 + 0.5 + 1.5 + 0.28125) / 4.0),
        (Loss::BceWithLogits(Reduction::Mean), bce),
        (Loss::CrossEntropy(Reduction::Mean), (cross[0] + cross[1]) / 2.0),
        (Loss::Hinge(Reduction::Sum), 0.5 + 1.0 + 1.0 + 0.75),
        (Loss::KlDivergence(Reduction::Sum), -0.75),
        (Loss::Cosine(Reduction::Mean), 1.0 - (cosine(0.5, 1.25) + cosine(0.25, 4.0625)) / 2.0),
        // -1 and 2 count as the nearest probabilities
        (Loss::Bce(Reduction::Sum), -(0.5f64.ln() + (1.0 - edge).ln() + edge.ln() + 0.25f64.ln())),
    ];
    for (loss, expected) in cases {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let input = |graph: &mut Graph, name: &str| {
            graph.input(name, &dims(&[2, 2]), Visibility::Private(alice), Role::Data).unwrap()
        };
        let (a, b) = (input(&mut graph, "x"), input(&mut graph, "t"));
        let id = loss.of(&mut graph, a, b).unwrap();
        let inputs = Inputs::from([("x".to_owned(), array(x)), ("t".to_owned(), array(t))]);
        let got = plain_all(&graph, &inputs).unwrap()[id.index()].first().copied().unwrap();
        assert!((got - expected).abs() < 1e-9, "{loss:?}: {got} for {expected}");
    }
}

#[test]
fn cross_entropy_of_indices_is_that_of_one_hot_rows() {
    let of = |indices: bool| {
        let mut graph = Graph::new();
        let alice = Visibility::Private(graph.owner("alice"));
        let x = graph.input("x", &dims(&[2, 3]), alice, Role::Data).unwrap();
        let (shape, dtype) = if indices { (vec![2], DType::Int) } else { (vec![2, 3], DType::Fixed) };
        let t = graph.input_of("t", &dims(&shape), alice, Role::Data, dtype).unwrap();
        let loss = Loss::CrossEntropy(Reduction::Mean).of(&mut graph, x, t).unwrap();
        let gradient = tacita_graph::grad(&mut graph, loss, &[x]).unwrap()[0];
        let t = match indices {
            true => ndarray::arr1(&[2.0, 0.0]).into_dyn(),
            false => ndarray::arr2(&[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]).into_dyn(),
        };
        let x = ndarray::arr2(&[[0.5, -1.0, 2.0], [0.0, 3.0, 1.0]]).into_dyn();
        let values = plain_all(&graph, &Inputs::from([("x".to_owned(), x), ("t".to_owned(), t)])).unwrap();
        [loss, gradient].map(|id| values[id.index()].clone())
    };
    assert_eq!(of(true), of(false));
}

#[test]
fn an_embedding_learns_the_rows_that_are_used() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let index = DType::Int;
    let x = graph.input_of("x", &dims(&[2]), Visibility::Private(alice), Role::Data, index).unwrap();
    let t = graph.input("t", &dims(&[2, 3]), Visibility::Private(alice), Role::Data).unwrap();
    let training = Training::new(Loss::Mse(Reduction::Sum), Optimiser::sgd(0.5));
    let step = training.step(&mut graph, &Embedding::new(4, 3), x, t).unwrap();
    let mut start = Graph::new();
    let begin = step.start(&mut start).unwrap();
    let mut inputs = kept(&start, &plain(&start, &begin.values(2)).unwrap());
    let before = inputs["weight"].clone();
    inputs.insert("x".to_owned(), ndarray::arr1(&[2.0, 0.0]).into_dyn());
    inputs.insert("t", ArrayD::<f64>::zeros(IxDyn(&[2, 3])));
    let after = &kept(&graph, &plain(&graph, &inputs).unwrap())["weight"];
    for ((at, before), after) in before.to_f64().indexed_iter().zip(&after.to_f64()) {
        // w - 0.5 · 2 (w - 0)
        let expected = if at[0] % 2 == 0 { 0.0 } else { *before };
        assert!((after - expected).abs() < 1e-9, "row {}", at[0]);
    }
}

/// A frozen layer is one that is used: the same numbers, dropout left out, running moments taken and not changed; what it has is
/// its owner's and asks for no step.
#[test]
fn frozen_layers_are_used_and_not_trained() {
    let body = || Sequential::new().then(Linear::new(3, 4)).then(BatchNorm::new(4)).then(Dropout(0.5));
    let head = || Linear::new(4, 1);
    let of_body = ["0.0.weight", "0.0.bias", "0.1.weight", "0.1.bias", "0.1.running_mean", "0.1.running_var"];
    let mut ours = setting(
        &Training::new(Loss::Mse(Reduction::Mean), Optimiser::sgd(0.005)),
        &Sequential::new().then(Frozen::new(body(), "bob")).then(head()),
        &[SAMPLES, 3],
        &[SAMPLES, 1],
    );
    let names = |parameters: &[Parameter]| -> Vec<String> {
        parameters.iter().map(|parameter| parameter.name.clone()).collect()
    };
    assert_eq!(names(&ours.step.parameters), ["1.weight", "1.bias"]);
    let bob = ours.graph.owner("bob");
    let of_bob: Vec<&str> = (ours.graph.inputs().into_iter())
        .filter_map(|id| {
            let node = ours.graph.node(id);
            let is_parameter = matches!(&node.op, Op::Input(input) if input.role == Role::Parameter);
            (is_parameter && node.ty.visibility == Visibility::Private(bob)).then_some(node.name.as_str())
        })
        .collect();
    assert_eq!(of_bob, of_body);

    let mut r = Random::new(11);
    let mut data = Inputs::new();
    for name in of_body {
        let shape: &[usize] = if name == "0.0.weight" { &[4, 3] } else { &[4] };
        data.insert(name.to_owned(), random(&mut r, shape).mapv(|x| x + 1.5));
    }
    let (x, t) = (random(&mut r, &[SAMPLES, 3]), random(&mut r, &[SAMPLES, 1]));
    data.extend([("x".to_owned(), x), ("t".to_owned(), t)]);

    // the same network as it is used, whose parameters are all with the parties
    let mut used = Graph::new();
    let x = used.input("x", &dims(&[SAMPLES, 3]), Visibility::Secret, Role::Data).unwrap();
    let y = Sequential::new().then(body()).then(head()).apply(&mut used, x).unwrap();
    let mut inputs = data.clone();
    inputs.extend(ours.state.clone());
    let expected = &plain_all(&used, &inputs).unwrap()[y.index()];
    let mut all = ours.state.clone();
    all.extend(data.clone());
    let got = &plain_all(&ours.graph, &all).unwrap()[ours.step.output.index()];
    assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{got} for {expected}");

    let before = ours.state.clone();
    let losses: Vec<f64> = (0..40).map(|_| advance(&mut ours, &data)).collect();
    assert!(losses[39] < 0.9 * losses[0], "{losses:?}");
    assert_eq!(ours.state.keys().collect::<Vec<_>>(), ["1.bias", "1.weight"]);
    assert!(ours.state.iter().all(|(name, value)| *value != before[name]));
}

/// Values that an owner gives take no part in what the seed gives others.
#[test]
fn a_start_from_private_values_leaves_the_others_as_they_are() {
    let network = Sequential::new().then(Linear::new(2, 3)).then(Linear::new(3, 1));
    let training = Training::new(Loss::Mse(Reduction::Mean), Optimiser::sgd(0.1).with_momentum(0.9));
    let ours = setting(&training, &network, &[SAMPLES, 2], &[SAMPLES, 1]);
    let (mut all, mut graph) = (Graph::new(), Graph::new());
    let all = ours.step.start(&mut all).unwrap().values(5);
    let start = ours.step.start_from(&mut graph, "bob", &["0.weight", "1.bias"]).unwrap();
    let mut values = start.values(5);
    assert_eq!(values.keys().collect::<Vec<_>>(), ["initial 0.bias", "initial 1.weight"]);
    assert!(values.iter().all(|(name, value)| *value == all[name]));
    let bob = graph.owner("bob");
    let private = |id: &NodeId| graph.node(*id).ty.visibility == Visibility::Private(bob);
    assert_eq!(graph.inputs().iter().filter(|id| private(id)).count(), 2);
    for (name, shape) in [("initial 0.weight", vec![3, 2]), ("initial 1.bias", vec![1])] {
        values.insert(name.to_owned(), ArrayD::from_elem(shape, 0.25));
    }
    let state = kept(&graph, &plain(&graph, &values).unwrap());
    assert_eq!(state.keys().collect::<Vec<_>>(), ours.state.keys().collect::<Vec<_>>());
    assert!(state["0.weight"].to_f64().iter().all(|&w| w == 0.25));
}
