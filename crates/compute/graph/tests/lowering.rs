//! What lowering promises beyond random graphs: few truncations, the limits of the range, exact ties, clear refusals.

use std::collections::BTreeMap;

use ndarray::{ArrayD, arr1, array};
use tacita_graph::ops::*;
use tacita_graph::testing::{TARGET, compared_bits};
use tacita_graph::*;
use tacita_program::{RingNode, RingOp, RingType, Target, WHOLE_SIGN, WHOLE_ZERO};

/// One input of alice, one of bob, and their sum's place for a secret.
struct Two {
    graph: Graph,
    alice: Owner,
    bob: Owner,
}

impl Two {
    fn new() -> Self {
        let mut graph = Graph::new();
        let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
        Two { graph, alice, bob }
    }

    fn input(&mut self, name: &str, shape: &[usize], owner: Owner) -> NodeId {
        self.graph.input(name, &dims(shape), Visibility::Private(owner), Role::Data).unwrap()
    }

    fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        self.graph.add(op, inputs, "").unwrap()
    }

    /// alice's x plus bob's zeros: x, in shares only.
    fn secret(&mut self, shape: &[usize]) -> NodeId {
        let (alice, bob) = (self.alice, self.bob);
        let (x, zero) = (self.input("x", shape, alice), self.input("zero", shape, bob));
        self.add(Add, &[x, zero])
    }

    fn reveal(&mut self, x: NodeId) -> NodeId {
        self.graph.reveal(x, &[self.alice], "answer").unwrap()
    }

    fn run(&self, precision: u32, data: &[(&str, ArrayD<f64>)]) -> Vec<ArrayD<f64>> {
        let inputs: Inputs = data.iter().map(|(name, data)| (name.to_string(), data.clone())).collect();
        let program = lower(&self.graph, precision, &TARGET).unwrap();
        let leaves = encode_every_leaf(&self.graph, &program, &inputs).unwrap();
        let values = fixed(&program, &leaves, &mut tacita_graph::Floor);
        program.reveals().iter().map(|id| values[id.index()].to_f64(program.node(*id).ty)).collect()
    }

    fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for node in &lower(&self.graph, 16, &TARGET).unwrap().nodes {
            *counts.entry(node.op.name()).or_default() += 1;
        }
        counts
    }
}

fn pool(kernel: [usize; 2], stride: [usize; 2], pad: usize) -> MaxPool {
    MaxPool {
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        pads_begin: vec![pad; 2],
        pads_end: vec![pad; 2],
        dilation: vec![1; 2],
        ceil_mode: false,
    }
}

#[test]
fn conv_bias_relu_pool_is_one_product_three_winners_and_no_truncation() {
    let mut two = Two::new();
    let (alice, bob) = (two.alice, two.bob);
    let x = two.input("x", &[1, 1, 6, 6], alice);
    let (w, b) = (two.input("w", &[2, 1, 3, 3], bob), two.input("b", &[2], bob));
    let conv = Conv {
        stride: vec![1; 2],
        pads_begin: vec![0; 2],
        pads_end: vec![0; 2],
        dilation: vec![1; 2],
        groups: 1,
    };
    let y = two.add(conv, &[x, w, b]);
    let y = two.add(Relu, &[y]);
    let y = two.add(pool([2, 2], [2, 2], 0), &[y]);
    two.reveal(y);
    two.graph = optimize(&two.graph).unwrap();
    let program = lower(&two.graph, 16, &TARGET).unwrap();
    let bias = program.nodes.iter().filter(|node| matches!(node.op, RingOp::Input { .. })).nth(2).unwrap();
    assert_eq!(bias.ty, RingType::Ring { frac: 32 }, "a bias enters at the product's fractional bits");
    let counts = two.counts();
    assert_eq!((counts["Conv"], counts["Bucketize"], counts["OneHotArgmax"], counts["Select"]), (1, 1, 1, 2));
    assert!(!counts.contains_key("Truncate") && !counts.contains_key("LessThanZero"));
    let winners: Vec<usize> = program
        .nodes
        .iter()
        .filter(|node| matches!(node.op, RingOp::OneHotArgmax { .. }))
        .map(|node| node.inputs.len())
        .collect();
    assert_eq!(winners, [3], "rows in a pair without a winner, then two columns and zero");
}

#[test]
fn weights_of_a_convolution_over_time_are_leaves_in_the_shape_of_their_use() {
    let mut two = Two::new();
    let x = two.secret(&[1, 2, 8]);
    let w = two.graph.input("w", &dims(&[3, 2, 4]), Visibility::Private(two.bob), Role::Parameter).unwrap();
    let conv = Conv { stride: vec![1], pads_begin: vec![0], pads_end: vec![0], dilation: vec![1], groups: 1 };
    let y = two.add(conv, &[x, w]);
    two.reveal(y);
    let program = lower(&two.graph, 16, &TARGET).unwrap();
    let conv = program.nodes.iter().find(|node| matches!(node.op, RingOp::Conv { .. })).unwrap();
    let weights = program.node(conv.inputs[1]);
    assert_eq!(weights.op, RingOp::Input { persistent: true }, "opened once a session");
    assert_eq!(weights.shape, [3, 2, 1, 4]);
}

#[test]
fn a_value_is_truncated_once_however_many_use_it() {
    let mut two = Two::new();
    let (alice, bob) = (two.alice, two.bob);
    let (x, y) = (two.input("x", &[3], alice), two.input("y", &[3], bob));
    let product = two.add(Mul, &[x, y]);
    for _ in 0..3 {
        let square = two.add(Mul, &[product, product]);
        let sum = two.add(Add, &[square, product]);
        two.reveal(sum);
    }
    two.reveal(product);
    assert_eq!(two.counts()["Truncate"], 2, "the product once, and the sum, which is computed once");
}

#[test]
fn maxima_hold_at_the_limits_of_the_range() {
    for precision in [8, 16, 24] {
        let most = representable(precision) * (1.0 - 1e-6);
        let mut two = Two::new();
        let x = two.secret(&[1, 1, 2, 4]);
        let doubled = two.add(Constant { shape: vec![], value: 0.75 }, &[]);
        // At more fractional bits than the session's, as after a product.
        let x = two.add(Mul, &[x, doubled]);
        let pooled = two.add(pool([2, 3], [1, 1], 1), &[x]);
        let index = two.add(ArgMax { axis: 3, keepdims: false }, &[x]);
        let best = two.add(Max { axis: 3, keepdims: false }, &[x]);
        let relu = two.add(Relu, &[x]);
        let (min, max) = (two.add(Minimum, &[x, relu]), two.add(Maximum, &[relu, x]));
        for value in [pooled, index, best, relu, min, max] {
            two.reveal(value);
        }
        let x = array![[[[-most, most, most, -most], [-most, -most, -most, -most]]]].into_dyn();
        let got = two.run(precision, &[("x", x.clone()), ("zero", x.mapv(|_| 0.0))]);
        let y = x.mapv(|x| (x * 0.75).max(-most));
        let near = |got: &ArrayD<f64>, expected: ArrayD<f64>| {
            assert_eq!(got.shape(), expected.shape());
            let unit = 2f64.powi(-(precision as i32));
            for (got, expected) in got.iter().zip(&expected) {
                assert!((got - expected).abs() <= unit.max(most * 1e-15) * 2.0, "{got} for {expected}");
            }
        };
        let top = most * 0.75;
        near(
            &got[0],
            ArrayD::from_shape_fn(vec![1, 1, 3, 4], |i| if i[2] < 2 { top } else { [-top; 4][i[3]] }),
        );
        near(&got[1], array![[[1.0, 0.0]]].into_dyn());
        near(&got[2], array![[[top, -top]]].into_dyn());
        near(&got[3], y.mapv(|x| x.max(0.0)));
        near(&got[4], y.clone());
        near(&got[5], y.mapv(|x| x.max(0.0)));
    }
}

#[test]
fn ties_go_to_the_lowest_index_for_any_number_of_values() {
    for size in 1..40 {
        for (best, second) in
            [(0, size - 1), (size / 2, size - 1), (size - 1, size - 1), (size / 3, size / 2)]
        {
            let mut two = Two::new();
            let x = two.secret(&[2, size]);
            let square = two.add(Mul, &[x, x]);
            let index = two.add(ArgMax { axis: 1, keepdims: false }, &[square]);
            two.reveal(index);
            let mut data = ArrayD::from_elem(vec![2, size], 1.25);
            for at in [best, second] {
                data[[0, at]] = -2.5;
            }
            let got = two.run(16, &[("x", data.clone()), ("zero", data.mapv(|_| 0.0))]);
            assert_eq!(got[0], arr1(&[best.min(second) as f64, 0.0]).into_dyn(), "{size} values");
        }
    }
}

#[test]
fn owners_compute_what_they_can_alone() {
    let mut two = Two::new();
    let (alice, bob) = (two.alice, two.bob);
    let x = two.input("x", &[2, 2], alice);
    let (a, b) = (two.input("a", &[2, 2], bob), two.input("b", &[2, 2], bob));
    let product = two.add(MatMul, &[a, b]);
    let softmax = two.add(Softmax { axis: 1 }, &[product]);
    let y = two.add(Add, &[x, softmax]);
    let reveal = two.reveal(y);
    let program = lower(&two.graph, 16, &TARGET).unwrap();
    assert_eq!(program.nodes.len(), 4, "two leaves, a sum, a reveal");
    assert_eq!(program.node(program.reveals()[0]).origin, reveal);
    let inputs: Inputs = [("a", 0.5), ("b", 1.0)]
        .map(|(name, value)| (name.to_owned(), ArrayD::from_elem(vec![2, 2], value)))
        .into();
    let leaves = encode_leaves(&two.graph, &program, Some(bob), &inputs).unwrap();
    let values: Vec<_> = leaves.values().map(|leaf| leaf.data().to_vec()).collect();
    assert_eq!(values, [vec![1 << 15; 4]], "bob's leaf alone, from bob's data alone: each row (1/2, 1/2)");
    assert!(encode_leaves(&two.graph, &program, None, &Inputs::new()).unwrap().is_empty());
    let error = encode_leaves(&two.graph, &program, Some(alice), &inputs).unwrap_err();
    assert_eq!(error, GraphError::MissingInput { name: "x".into() });
}

#[test]
fn refusals_name_node_and_operation() {
    let mut two = Two::new();
    let x = two.secret(&[1, 2]);
    let one = two.graph.add(Constant { shape: dims(&[2]), value: 1.0 }, &[], "one").unwrap();
    let y = two.graph.add(BatchNorm { epsilon: 0.5 }, &[x, one, one, one, one], "head").unwrap();
    two.reveal(y);
    let error = lower(&two.graph, 16, &TARGET).unwrap_err();
    assert!(
        matches!(&error, GraphError::Unsupported { node, op: "BatchNorm", .. } if node == "head"),
        "{error}"
    );
    assert_eq!(lower(&two.graph, 3, &TARGET).unwrap_err(), GraphError::Precision(3));
    assert_eq!(lower(&two.graph, 25, &TARGET).unwrap_err(), GraphError::Precision(25));

    let mut two = Two::new();
    let x = two.secret(&[1, 2]);
    let y = two.graph.add(Clip { min: None, max: Some(1e12) }, &[x], "clip").unwrap();
    two.reveal(y);
    let error = lower(&two.graph, 16, &TARGET).unwrap_err();
    assert!(matches!(&error, GraphError::Encoding { node, op: "Clip", .. } if node == "clip"), "{error}");
    let shape = vec![1, 2];
    let data: Inputs = [("x", 2e9), ("zero", 0.0)]
        .map(|(name, value)| (name.to_owned(), ArrayD::from_elem(shape.clone(), value)))
        .into();
    let program = lower(&two.graph, 8, &TARGET).unwrap();
    assert!(encode_every_leaf(&two.graph, &program, &data).is_ok());
    let mut two = Two::new();
    let x = two.secret(&[1, 2]);
    two.reveal(x);
    let program = lower(&two.graph, 16, &TARGET).unwrap();
    let error = encode_every_leaf(&two.graph, &program, &data).unwrap_err();
    assert!(matches!(&error, GraphError::Encoding { node, op: "Input", .. } if node == "x"), "{error}");
}

#[test]
fn a_product_that_no_input_keeps_within_the_ring_is_refused() {
    let product = |least: f64| {
        let mut two = Two::new();
        let range = Some(Interval::new(least, least + 1.0));
        let [x, y] = [("x", two.alice), ("y", two.bob)].map(|(name, owner)| {
            let shape = dims(&[2]);
            let (visibility, role, dtype) = (Visibility::Private(owner), Role::Data, DType::Fixed);
            two.graph.add(Input { shape, visibility, role, dtype, range }, &[], name).unwrap()
        });
        let product = two.graph.add(Mul, &[x, y], "product").unwrap();
        two.reveal(product);
        lower(&two.graph, 16, &TARGET)
    };
    // 2^15 times 2^15 is 2^62 units of 2^-32
    let error = product(32768.0).unwrap_err();
    assert!(matches!(&error, GraphError::Program(_)), "{error}");
    assert!(error.to_string().contains("\"answer\": it divides its input 0"), "{error}");
    product(32767.0).unwrap();
}

#[test]
fn the_digest_of_a_program_is_its_structure() {
    let build = |name: &str, value: f64| {
        let mut two = Two::new();
        let x = two.secret(&[2, 2]);
        let c = two.graph.add(Constant { shape: vec![], value }, &[], name).unwrap();
        let y = two.graph.add(Mul, &[x, c], name).unwrap();
        two.reveal(y);
        two.graph
    };
    let digest = |graph: &Graph| lower(graph, 16, &TARGET).unwrap().digest();
    assert_eq!(digest(&build("a", 0.5)), digest(&build("b", 0.5)));
    assert_ne!(digest(&build("a", 0.3)), digest(&build("a", 0.7)));
    assert_ne!(digest(&build("a", 0.3)), lower(&build("a", 0.3), 12, &TARGET).unwrap().digest());
}

#[test]
fn values_keep_the_fractional_bits_that_they_are_given() {
    let mut two = Two::new();
    let (alice, bob) = (two.alice, two.bob);
    let (x, y, z) = (two.input("x", &[2], alice), two.input("y", &[2], bob), two.input("z", &[2], bob));
    let [fine, other] = [x, y].map(|input| two.add(Precision { bits: 30 }, &[input]));
    let sum = two.add(Add, &[fine, other]);
    let relu = two.add(Relu, &[sum]);
    let aligned = two.add(Sub, &[relu, z]);
    let largest = two.add(Max { axis: 0, keepdims: true }, &[aligned]);
    let coarse = two.add(Precision { bits: 3 }, &[largest]);
    let both = two.add(Add, &[coarse, coarse]);
    let mixed = two.add(Add, &[coarse, z]);
    let product = two.add(Mul, &[sum, aligned]);
    let sigmoid = two.add(Sigmoid, &[sum]);
    let less = two.add(Less, &[aligned, coarse]);
    let values = [sum, relu, aligned, largest, coarse, both, mixed, product, sigmoid];
    let reveals = values.map(|value| two.reveal(value));
    two.reveal(less);
    let fracs = fracs(&two.graph, 12);
    assert_eq!(reveals.map(|id| fracs[id.index()]), [30, 30, 30, 30, 3, 3, 12, 12, 12]);
    assert_eq!(fracs[less.index()], 0);
    let program = lower(&two.graph, 12, &TARGET).unwrap();
    let leaf = |name: &str| {
        let named = |node: &&RingNode| {
            matches!(node.op, RingOp::Input { .. }) && program.node_names[node.origin.index()] == name
        };
        program.nodes.iter().filter(named).map(|node| node.ty).collect::<Vec<_>>()
    };
    assert!(leaf("z").contains(&RingType::Ring { frac: 30 }), "aligned with what is finer");
    let unit = 2f64.powi(-30);
    let (x, y) = (arr1(&[5.0 * unit, 1.5]).into_dyn(), arr1(&[-3.0 * unit, -1.75]).into_dyn());
    let z = arr1(&[0.0, -0.375]).into_dyn();
    let got = two.run(12, &[("x", x), ("y", y), ("z", z)]);
    let expected = [
        arr1(&[2.0 * unit, -0.25]),
        arr1(&[2.0 * unit, 0.0]),
        arr1(&[2.0 * unit, 0.375]),
        arr1(&[0.375]),
        arr1(&[0.375]),
        arr1(&[0.75]),
        arr1(&[0.375, 0.0]),
    ];
    for (got, expected) in got.iter().zip(expected) {
        assert_eq!(*got, expected.into_dyn(), "exact at their own precision");
    }
    let x = two.input("w", &[2], alice);
    let refused = two.graph.add(Precision { bits: 41 }, &[x], "too fine").unwrap_err();
    assert!(refused.to_string().contains("41 fractional bits; at most 40 are possible"), "{refused}");
}

#[test]
fn values_of_more_bits_are_warned_of_sooner() {
    let mut two = Two::new();
    let x = two.secret(&[2]);
    let fine = two.add(Precision { bits: 40 }, &[x]);
    two.reveal(fine);
    let limits: Vec<f64> = warnings(&two.graph, 16).unwrap().iter().map(|warning| warning.limit).collect();
    assert_eq!(limits, [2f64.powi(30), 2f64.powi(22), 2f64.powi(22)], "the sum, the value, its reveal");
}

#[test]
fn nothing_of_a_gradient_goes_to_the_padding() {
    // a window of padding and of a value at the lower end of its range, where the padding is as well, or nearly
    let mut two = Two::new();
    let x = two.secret(&[1, 1, 2]);
    let x = two.add(Clip { min: Some(0.0), max: Some(5.0) }, &[x]);
    let g = two.input("g", &[1, 1, 2], two.alice);
    let pool = MaxPool {
        kernel: vec![2],
        stride: vec![1],
        pads_begin: vec![1],
        pads_end: vec![0],
        dilation: vec![1],
        ceil_mode: false,
    };
    let y = two.add(MaxPoolGradient { pool, relu: false }, &[x, g]);
    two.reveal(y);
    let ones = |value: f64| ArrayD::from_elem(vec![1, 1, 2], value);
    let got = two.run(16, &[("x", ones(-1.0)), ("zero", ones(0.0)), ("g", ones(1.0))]);
    assert_eq!(got, [array![[[2.0, 0.0]]].into_dyn()], "both windows' to the first of equals");
}

/// alice's and bob's values, all declared to lie between -1 and 0, and what `of` makes of them.
fn declared(of: impl Fn(&mut Two, [NodeId; 2]) -> NodeId) -> Graph {
    let mut two = Two::new();
    let range = Interval { min: -1.0, max: 0.0 };
    let inputs = [("x", two.alice), ("y", two.bob)].map(|(name, owner)| {
        let visibility = Visibility::Private(owner);
        two.graph.input_within(name, &dims(&[3]), visibility, Role::Data, range).unwrap()
    });
    let result = of(&mut two, inputs);
    two.reveal(result);
    two.graph
}

/// The bits of each comparison that a graph takes on a target.
fn compared(graph: &Graph, target: &Target) -> Vec<u32> {
    lower(graph, 16, target).unwrap().nodes.iter().filter_map(|node| compared_bits(&node.op)).collect()
}

#[test]
fn an_operation_that_the_protocol_lacks_is_refused_by_name() {
    let of_sum = |op: Op| {
        declared(move |two, [x, y]| {
            let sum = two.add(Add, &[x, y]);
            two.graph.add(op.clone(), &[sum], "curve").unwrap()
        })
    };
    let lacking = [
        (of_sum(Sigmoid.into()), "Sigmoid", "FourierSum", Target { fourier_sum: false, ..TARGET }),
        (of_sum(Exp.into()), "Exp", "Exponential", Target { exponential: false, ..TARGET }),
    ];
    for (graph, op, missing, target) in &lacking {
        lower(graph, 16, &TARGET).unwrap();
        let reason = format!("the protocol has no {missing}");
        let refused = GraphError::Unsupported { node: "curve".to_owned(), op, reason };
        assert_eq!(lower(graph, 16, target).unwrap_err(), refused);
    }
    // each has what the other lacks
    for ((graph, ..), (.., target)) in lacking.iter().zip(lacking.iter().rev()) {
        lower(graph, 16, target).unwrap();
    }
}

#[test]
fn declared_ranges_narrow_comparisons_only_where_they_are_trusted() {
    let wary = Target { trusts_ranges: false, ..TARGET };
    let comparisons: [fn(&mut Two, [NodeId; 2]) -> NodeId; 3] = [
        |two, inputs| two.add(Less, &inputs),
        |two, inputs| two.add(Maximum, &inputs),
        // its owner computes the product alone
        |two, [x, y]| {
            let square = two.add(Mul, &[x, x]);
            two.add(Less, &[square, y])
        },
    ];
    for of in comparisons {
        let graph = declared(of);
        assert!(compared(&graph, &TARGET).iter().all(|&bits| bits < 20), "what is declared takes few bits");
        assert_eq!(compared(&graph, &wary), [WHOLE_SIGN]);
    }
    let equal = declared(|two, inputs| two.add(Equal, &inputs));
    assert!(compared(&equal, &TARGET)[0] < 20);
    assert_eq!(compared(&equal, &wary), [WHOLE_ZERO]);
}

#[test]
fn a_declared_range_that_is_not_trusted_chooses_no_cheaper_form() {
    let exp = declared(|two, [x, y]| {
        let sum = two.add(Add, &[x, y]);
        two.add(Exp, &[sum])
    });
    let thresholds = |target: &Target| -> Vec<usize> {
        let program = lower(&exp, 16, target).unwrap();
        let thresholds = program.nodes.iter().map(|node| match &node.op {
            RingOp::Bucketize { thresholds, .. } => thresholds.len(),
            _ => 0,
        });
        thresholds.filter(|&count| count > 0).collect()
    };
    assert_eq!(thresholds(&TARGET), [1], "of what is not above 0 one window is enough");
    let wary = thresholds(&Target { trusts_ranges: false, ..TARGET });
    assert!(wary[0] > 1, "all windows: {wary:?}");
}

#[test]
fn public_factors_in_a_row_are_one() {
    let chain = |factors: &[f64]| {
        let mut two = Two::new();
        let mut x = two.secret(&[2]);
        for &value in factors {
            let factor = two.add(Constant { shape: vec![], value }, &[]);
            x = two.add(Mul, &[factor, x]);
        }
        two.reveal(x);
        two.graph = optimize(&two.graph).unwrap();
        two
    };
    let data = [("x", arr1(&[100.0, -3.0]).into_dyn()), ("zero", arr1(&[0.0, 0.0]).into_dyn())];
    for factors in [&[0.3, 0.7, 0.9][..], &[0.001, 0.001], &[-2.0, 0.3, 5.0]] {
        let (joined, product) = (chain(factors), factors.iter().product::<f64>());
        assert_eq!(joined.counts(), chain(&[product]).counts(), "{factors:?}");
        let got = &joined.run(16, &data)[0];
        for (got, x) in got.iter().zip([100.0, -3.0]) {
            assert!(
                (got - product * x).abs() < 100.0 * 2f64.powi(-17) + 2f64.powi(-15),
                "{factors:?}: {got}"
            );
        }
    }
    // a quotient by a public number is one as well
    let mut two = Two::new();
    let x = two.secret(&[2]);
    let number = |two: &mut Two, value| two.add(Constant { shape: vec![], value }, &[]);
    let (rate, count) = (number(&mut two, 0.3), number(&mut two, 7.0));
    let product = two.add(Mul, &[x, rate]);
    let quotient = two.add(Div, &[product, count]);
    two.reveal(quotient);
    two.graph = optimize(&two.graph).unwrap();
    assert_eq!(two.counts(), chain(&[0.3 / 7.0]).counts());

    // what might leave the representable range is left as it is
    assert_eq!(chain(&[2e4, 3e4]).counts()["Scale"], 2);
    assert_eq!(chain(&[1e-5, 1e-5]).counts()["Scale"], 2);

    // the first product is used by itself as well
    let mut two = Two::new();
    let x = two.secret(&[2]);
    let half = two.add(Constant { shape: vec![], value: 0.3 }, &[]);
    let first = two.add(Mul, &[x, half]);
    let second = two.add(Mul, &[first, half]);
    let sum = two.add(Maximum, &[first, second]);
    two.reveal(sum);
    let before = two.counts();
    two.graph = optimize(&two.graph).unwrap();
    assert_eq!(two.counts(), before);
}
