//! The networks of `bench models` in the clear: what they are, and that fixed point follows them. Ignored in debug runs,
//! where they take minutes.

use ndarray::ArrayD;
use tacita::graph::{Nearest, Op, Value, encode_every_leaf, fixed_kept, lower, optimize, plain};
use tacita::onnx::{ImportOptions, Sizes, import};
use tacita::program::RingOp;
use tacita::{Options, estimate};
use tacita_bench::{ARCHITECTURES, Network};

fn network(name: &str) -> Network {
    let architecture = ARCHITECTURES.iter().find(|architecture| architecture.name == name).unwrap();
    architecture.network(architecture.batch).unwrap()
}

/// Numbers that training would find. Means and variances are counted apart.
fn weights(network: &Network) -> usize {
    let trained = |name: &str| {
        !["image", "sound", "tokens"].contains(&name) && !name.ends_with(".mean") && !name.ends_with(".var")
    };
    network.inputs.iter().filter(|(name, _)| trained(name)).map(|(_, value)| value.len()).sum()
}

/// Evaluates in floating and in fixed point: results agree, and are of the size that the input had.
fn agrees(network: &Network) {
    let expected = plain(&network.graph, &network.inputs).unwrap().into_values().next().unwrap();
    let graph = optimize(&network.graph).unwrap();
    let program = lower(&graph, 16, &tacita_mpc::TARGET).unwrap();
    let leaves = encode_every_leaf(&graph, &program, &network.inputs).unwrap();
    let reveal = program.reveals()[0];
    let got = fixed_kept(&program, &leaves, &mut Nearest, |id| id == reveal)[&reveal]
        .to_f64(program.node(reveal).ty);
    let largest = |x: &ArrayD<f64>| x.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let (error, range) = (largest(&(&got - &expected)), largest(&expected));
    assert!(error < 0.01 * range, "error {error} of {range}");
    let mean_square = expected.iter().map(|x| x * x).sum::<f64>() / expected.len() as f64;
    assert!((0.05..20.0).contains(&mean_square), "mean square {mean_square}");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn lenet_is_the_shipped_network_with_other_weights() {
    let network = network("lenet");
    agrees(&network);
    let path = format!("{}/../../../models/lenet.onnx", env!("CARGO_MANIFEST_DIR"));
    let shipped = import(path.as_ref(), &ImportOptions::default()).unwrap();
    assert_eq!(weights(&network), shipped.parameters.values().map(Value::len).sum::<usize>());
    let [ours, theirs] = [&network.graph, &shipped.of_batch(32).unwrap()]
        .map(|graph| estimate(&graph.clone().into(), &Sizes::new(), &Options::default()).unwrap());
    assert_eq!(
        (ours.rounds, ours.online_bytes_per_party, ours.offline_bytes),
        (theirs.rounds, theirs.online_bytes_per_party, theirs.offline_bytes)
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn resnet18_is_fast_in_the_clear_and_precise_in_fixed_point() {
    let network = network("resnet18");
    agrees(&network);
    assert_eq!(weights(&network), 11_689_512); // torchvision's
    let graph = optimize(&network.graph).unwrap();
    assert!(!graph.nodes().iter().any(|node| matches!(node.op, Op::BatchNorm(_) | Op::MaxPool(_))));
    let program = lower(&graph, 16, &tacita_mpc::TARGET).unwrap();
    // Weights are folded into their convolutions: one leaf for each, one for each bias, one image.
    let leaves = program.nodes.iter().filter(|node| matches!(node.op, RingOp::Input { .. }));
    assert_eq!(leaves.count(), 1 + 2 * 21);
    // A convolution's result is truncated inside the ReLU that follows, in each block but for the residual sum.
    let truncations = program.nodes.iter().filter(|node| matches!(node.op, RingOp::Truncate { .. }));
    assert_eq!(truncations.count(), 3, "the mean's sum, the mean, and the revealed logits");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn an_encoder_layer_is_precise_in_fixed_point() {
    let network = network("bert-layer");
    agrees(&network);
    assert_eq!(weights(&network), 7_087_872); // torch's TransformerEncoderLayer(768, 12, 3072)
}

#[test]
#[ignore = "slow: ten seconds"]
fn resnet50_is_precise_in_fixed_point() {
    let network = network("resnet50");
    agrees(&network);
    assert_eq!(weights(&network), 25_557_032); // torchvision's
}

#[test]
#[ignore = "slow: ten seconds"]
fn wav2letter_is_precise_in_fixed_point() {
    let network = network("wav2letter");
    agrees(&network);
    assert_eq!(weights(&network), 26_211_290); // torch's, of the same layers and 40 letters
}
