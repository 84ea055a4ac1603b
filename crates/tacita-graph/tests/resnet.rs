//! A network of real size: ResNet-18's architecture at 224 x 224. Ignored in debug runs, where it takes a minute.

use std::time::Instant;

use ndarray::ArrayD;
use tacita_graph::ops::*;
use tacita_graph::testing::Random;
use tacita_graph::*;

struct Net {
    graph: Graph,
    inputs: Inputs,
    random: Random,
    bob: Visibility,
}

impl Net {
    fn weights(&mut self, shape: &[usize], name: &str, centre: f64) -> NodeId {
        let fan: usize = shape[1..].iter().product();
        let data =
            ArrayD::from_shape_fn(shape, |_| centre + (self.random.unit() - 0.5) * (6.0 / fan as f64).sqrt());
        self.inputs.insert(name.to_owned(), data);
        self.graph.input(name, &dims(shape), self.bob, Role::Parameter).unwrap()
    }

    fn conv_norm(&mut self, x: NodeId, outputs: usize, kernel: usize, stride: usize, name: &str) -> NodeId {
        let Dim::Known(channels) = self.graph.node(x).ty.shape[1] else { panic!("channels are known") };
        let w = self.weights(&[outputs, channels, kernel, kernel], &format!("{name}.w"), 0.0);
        let pads = vec![kernel / 2; 2];
        let (stride, dilation) = (vec![stride; 2], vec![1; 2]);
        let conv = Conv { stride, pads_begin: pads.clone(), pads_end: pads, dilation, groups: 1 };
        let y = self.graph.add(conv, &[x, w], &format!("{name}.conv")).unwrap();
        let mut inputs = vec![y];
        for (part, centre) in [("scale", 1.0), ("bias", 0.0), ("mean", 0.0), ("var", 5.0)] {
            inputs.push(self.weights(&[outputs], &format!("{name}.{part}"), centre));
        }
        self.graph.add(BatchNorm { epsilon: 1e-5 }, &inputs, name).unwrap()
    }

    fn block(&mut self, x: NodeId, outputs: usize, stride: usize, name: &str) -> NodeId {
        let y = self.conv_norm(x, outputs, 3, stride, &format!("{name}.1"));
        let y = self.graph.add(Relu, &[y], &format!("{name}.relu")).unwrap();
        let y = self.conv_norm(y, outputs, 3, 1, &format!("{name}.2"));
        let x = if stride == 1 { x } else { self.conv_norm(x, outputs, 1, stride, &format!("{name}.down")) };
        let sum = self.graph.add(Add, &[y, x], &format!("{name}.sum")).unwrap();
        self.graph.add(Relu, &[sum], name).unwrap()
    }
}

fn resnet18() -> Net {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let mut x =
        graph.input("image", &dims(&[1, 3, 224, 224]), Visibility::Private(alice), Role::Data).unwrap();
    let mut net = Net { graph, inputs: Inputs::new(), random: Random::new(7), bob: Visibility::Private(bob) };
    let image = ArrayD::from_shape_fn(vec![1, 3, 224, 224], |_| net.random.unit());
    net.inputs.insert("image".into(), image);
    x = net.conv_norm(x, 64, 7, 2, "stem");
    x = net.graph.add(Relu, &[x], "stem.relu").unwrap();
    let (kernel, stride) = (vec![3; 2], vec![2; 2]);
    let (pads_begin, pads_end, dilation) = (vec![1; 2], vec![1; 2], vec![1; 2]);
    let pool = MaxPool { kernel, stride, pads_begin, pads_end, dilation, ceil_mode: false };
    x = net.graph.add(pool, &[x], "pool").unwrap();
    for (stage, outputs) in [64, 128, 256, 512].into_iter().enumerate() {
        x = net.block(x, outputs, if stage == 0 { 1 } else { 2 }, &format!("{stage}.0"));
        x = net.block(x, outputs, 1, &format!("{stage}.1"));
    }
    x = net.graph.add(Mean { axes: vec![2, 3], keepdims: false }, &[x], "mean").unwrap();
    let w = net.weights(&[512, 1000], "fc.w", 0.0);
    let bias = net.weights(&[1000], "fc.b", 0.0);
    x = net.graph.add(MatMul, &[x, w], "fc").unwrap();
    x = net.graph.add(Add, &[x, bias], "logits").unwrap();
    net.graph.reveal(x, &[alice], "answer").unwrap();
    net
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn resnet18_is_fast_in_the_clear_and_precise_in_fixed_point() {
    let net = resnet18();
    let start = Instant::now();
    let expected = plain(&net.graph, &net.inputs).unwrap();
    println!("plain {:?}", start.elapsed());
    let graph = optimize(&net.graph).unwrap();
    assert!(!graph.nodes().iter().any(|node| matches!(node.op, Op::BatchNorm(_) | Op::MaxPool(_))));
    let program = lower(&graph, 16).unwrap();
    let start = Instant::now();
    let leaves = encode_every_leaf(&graph, &program, &net.inputs).unwrap();
    println!("leaves {:?}", start.elapsed());
    let start = Instant::now();
    let reveal = program.reveals()[0];
    let got = fixed_kept(&program, &leaves, &mut Nearest, |id| id == reveal)[&reveal]
        .to_f64(program.node(reveal).kind);
    println!("fixed {:?}", start.elapsed());
    let expected = expected.values().next().unwrap();
    let range = expected.iter().copied().fold(0.0, |range: f64, x| range.max(x.abs()));
    let error = (&got - expected).iter().fold(0.0, |error: f64, x| error.max(x.abs()));
    println!("logits within {range}, error {error}");
    assert!(error < 0.01 * range, "error {error} of {range}");

    // Weights are folded into their convolutions: one leaf for each, one for each bias, one image.
    let leaves = program.nodes.iter().filter(|node| matches!(node.op, RingOp::Input { .. }));
    assert_eq!(leaves.count(), 1 + 2 * 21);
    // A convolution's result is truncated inside the ReLU that follows, in each block but for the residual sum.
    let truncations = program.nodes.iter().filter(|node| matches!(node.op, RingOp::Truncate { .. }));
    assert_eq!(truncations.count(), 3, "the mean's sum, the mean, and the revealed logits");
}
