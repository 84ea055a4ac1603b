//! The builder, its refusals, digests and the encoding.

use proptest::prelude::*;
use tacita_graph::ops::*;
use tacita_graph::testing::TARGET;
use tacita_graph::testing::{Random, random_case};
use tacita_graph::*;

/// Flatten, a layer, an index: over a batch of three, with nodes named by `name`.
fn network(name: impl Fn(&str) -> String) -> Graph {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let shape = [3, 2, 3];
    let x = graph.input("x", &shape, Visibility::Private(alice), Role::Data).unwrap();
    let w = graph.input("w", &dims(&[6, 4]), Visibility::Private(bob), Role::Parameter).unwrap();
    let shape = vec![3, 6];
    let x = graph.add(Reshape { shape }, &[x], &name("flatten")).unwrap();
    let y = graph.add(MatMul, &[x, w], &name("layer")).unwrap();
    let y = graph.add(ArgMax { axis: 1, keepdims: false }, &[y], &name("label")).unwrap();
    graph.reveal(y, &[alice], &name("answer")).unwrap();
    graph
}

#[test]
fn types_follow_the_inputs() {
    let graph = network(str::to_owned);
    let types: Vec<String> = graph
        .nodes()
        .iter()
        .map(|node| format!("{} {} {:?}", show(&node.ty.shape), node.ty.dtype, node.ty.visibility))
        .collect();
    assert_eq!(
        types,
        [
            "[3, 2, 3] fixed Private(Owner(0))",
            "[6, 4] fixed Private(Owner(1))",
            "[3, 6] fixed Private(Owner(0))",
            "[3, 4] fixed Secret",
            "[3] int Secret",
            "[3] int Secret",
        ]
    );
}

#[test]
fn mistakes_are_named() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    assert_eq!(graph.owner("alice"), alice);
    let mine = Visibility::Private(alice);
    let a = graph.input("a", &dims(&[2, 3]), mine, Role::Data).unwrap();
    let b = graph.input("b", &dims(&[4, 3]), mine, Role::Data).unwrap();
    let refused = |error: GraphError, words: &[&str]| {
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    refused(graph.add(Add, &[a, b], "sum").unwrap_err(), &["sum", "Add", "[2, 3]", "[4, 3]"]);
    refused(graph.add(MatMul, &[a, b], "product").unwrap_err(), &["product", "MatMul", "[2, 3]", "[4, 3]"]);
    refused(graph.add(Add, &[a], "one").unwrap_err(), &["one", "two inputs, not 1"]);
    refused(graph.add(Not, &[a], "not").unwrap_err(), &["not", "kind fixed, not bit"]);
    refused(graph.add(Sum { axes: vec![2], keepdims: true }, &[a], "sum").unwrap_err(), &["no axis 2"]);
    let nan = Constant { shape: vec![], value: f64::NAN };
    refused(graph.add(nan, &[], "nan").unwrap_err(), &["nan", "not a finite number"]);
    let vast = Constant { shape: dims(&[1 << 31, 1 << 31, 1 << 31]), value: 0.0 };
    refused(graph.add(vast, &[], "vast").unwrap_err(), &["vast", "2^32 elements"]);
    refused(graph.input("a", &dims(&[1]), mine, Role::Data).unwrap_err(), &["\"a\"", "twice"]);
    let stranger = Visibility::Private(Owner(7));
    refused(graph.input("d", &dims(&[1]), stranger, Role::Data).unwrap_err(), &["owner 7"]);
    refused(graph.add(Neg, &[NodeId(99)], "late").unwrap_err(), &["late", "99"]);
    refused(
        graph.add(Neg, &[a], "to alice\rto bob").unwrap_err(),
        &["to alice\\rto bob", "control characters"],
    );
    refused(graph.add(Neg, &[a], "to \u{202e}ecila").unwrap_err(), &["marks of direction"]);
    let answer = graph.reveal(a, &[alice], "answer").unwrap();
    refused(graph.add(Neg, &[answer], "after").unwrap_err(), &["after"]);
    refused(graph.reveal(a, &[], "nobody").unwrap_err(), &["nobody", "receivers"]);
    let pool = MaxPool {
        kernel: vec![2],
        stride: vec![1],
        pads_begin: vec![2],
        pads_end: vec![0],
        dilation: vec![1],
        ceil_mode: false,
    };
    let x = graph.input("x", &dims(&[1, 1, 4]), mine, Role::Data).unwrap();
    refused(graph.add(pool, &[x], "pool").unwrap_err(), &["padding alone", "[1, 1, 4]"]);
    // Nothing that was refused left a trace.
    assert_eq!(graph.nodes().len(), 4);
}

#[test]
fn digests_do_not_see_names_for_people() {
    let graph = network(str::to_owned);
    assert_eq!(graph.digest(), network(|name| format!("other {name}")).digest());
    // Whose data is meant, and who learns the result, does count.
    let mut carol = Graph::new();
    carol.owner("alice");
    carol.owner("carol");
    let mut renamed = Graph::new();
    for graph in [&mut carol, &mut renamed] {
        graph.owner("bob");
    }
    assert_ne!(carol.digest(), renamed.digest());
    let digests = graph.node_digests();
    assert_eq!(digests.len(), 6);
    assert_eq!(graph.node_digests()[..5], graph.prune().unwrap().node_digests()[..5]);
}

#[test]
fn graphs_may_be_deep() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let mut x = graph.input("x", &dims(&[1]), Visibility::Private(alice), Role::Data).unwrap();
    let other = graph.input("y", &dims(&[1]), Visibility::Public, Role::Data).unwrap();
    for _ in 0..100_000 {
        x = graph.add(Sub, &[other, x], "").unwrap();
    }
    graph.reveal(x, &[alice], "answer").unwrap();
    let bytes = graph.encode();
    let graph = optimize(&Graph::decode(&bytes).unwrap()).unwrap();
    assert_eq!(graph.nodes().len(), 100_003);
    assert_eq!(lower(&graph, 16, &TARGET).unwrap().nodes.len(), 2);
    assert_eq!(graph.node_digests().len(), 100_003);
}

#[test]
fn files_of_other_kinds_are_refused() {
    let bytes = network(str::to_owned).encode();
    assert!(Graph::decode(&bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(Graph::decode(&bytes[..length]).is_err());
    }
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        assert!(Graph::decode(&changed).is_err(), "byte {position}");
    }
    let mut newer = bytes.clone();
    newer[8] = 4;
    assert_eq!(Graph::decode(&newer).unwrap_err(), GraphError::Version { got: 4, expected: 3 });
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(Graph::decode(&longer), Err(GraphError::Decode(_))));
    // With a right checksum: trailing bytes, two owners of one name, a number in two bytes that fits in one.
    let body = &bytes[11..bytes.len() - 32];
    assert_eq!(seal_body(body), bytes);
    for broken in [
        [body, &[0]].concat(),
        [&[2, 1, b'a', 1, b'a', 0][..]].concat(),
        [&[0x80, 0, 0][..]].concat(),
        [&[0, 0xff, 0xff, 0x3f][..]].concat(),
        [&[0xff, 0xff, 0xff, 0xff, 0x0f][..]].concat(),
    ] {
        let error = Graph::decode(&seal_body(&broken)).unwrap_err();
        assert!(matches!(error, GraphError::Decode(_)), "{error}");
    }
    assert_eq!(Graph::decode(&seal_body(&[0, 0])).unwrap(), Graph::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What the fuzz target does, for every test run: bytes under a right checksum that are nearly a graph.
    #[test]
    fn nearly_right_bodies_never_panic(seed in any::<u64>(), size in 0usize..10, changes in 1usize..6) {
        let bytes = random_case(seed, size).graph.encode();
        let mut body = bytes[11..bytes.len() - 32].to_vec();
        let mut random = Random::new(seed);
        for _ in 0..changes {
            let at = random.below(body.len());
            match random.below(4) {
                0 => body[at] ^= 1 << random.below(8),
                1 => body[at] = random.below(256) as u8,
                2 => body.truncate(at.max(1)),
                _ => body.insert(at, random.below(256) as u8),
            }
        }
        if let Ok(graph) = Graph::decode(&seal_body(&body)) {
            prop_assert_eq!(graph.encode(), seal_body(&body));
            use_it(&graph);
        }
    }
}

/// Everything short of data that a program does with a graph from a file, as long as it is small.
fn use_it(graph: &Graph) {
    let _ = warnings(graph, 16);
    let elements = |node: &Node| node.ty.shape.iter().product::<usize>();
    if graph.nodes().iter().any(|node| elements(node) > 1 << 16) {
        return;
    }
    if let Ok(optimized) = optimize(graph) {
        let _ = lower(&optimized, 16, &TARGET);
    }
}

/// An exponential is the largest number where it is not representable; what is computed of it may leave the range.
#[test]
fn warnings_say_what_saturates() {
    let build = |most: f64| {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let (shape, range) = (dims(&[2]), Some(Interval::new(-1.0, most)));
        let input =
            Input { shape, visibility: Visibility::Secret, role: Role::Data, range, dtype: DType::Fixed };
        let x = graph.add(input, &[], "x").unwrap();
        let exp = graph.add(Exp, &[x], "exp").unwrap();
        let twice = graph.add(Add, &[exp, exp], "twice").unwrap();
        graph.reveal(twice, &[alice], "answer").unwrap();
        let warnings = warnings(&graph, 16).unwrap();
        warnings.iter().map(|w| (w.name.clone(), w.saturates)).collect::<Vec<_>>()
    };
    assert_eq!(build(20.0), [], "e^20 is below 2^29");
    assert_eq!(build(20.5), [("twice".to_owned(), false)]);
    assert_eq!(build(25.0), [("exp".to_owned(), true), ("twice".to_owned(), false)]);
}

/// A quotient by a secret has 8 fractional bits more on the way, and one by what could be 0 is by the smallest number.
#[test]
fn warnings_know_how_large_quotients_are() {
    let build = |most: f64, least: f64, precision: u32| {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let shape = dims(&[2]);
        let mut input = |name: &str, min: f64, max: f64| {
            let (visibility, role) = (Visibility::Secret, Role::Data);
            graph.input_within(name, &shape, visibility, role, Interval::new(min, max)).unwrap()
        };
        let (a, b) = (input("a", -most, most), input("b", least, 2.0));
        let quotient = graph.add(Div, &[a, b], "quotient").unwrap();
        graph.reveal(quotient, &[alice], "answer").unwrap();
        let range = ranges(&graph, precision).unwrap()[quotient.index()].interval;
        (range, warnings(&graph, precision).unwrap().len())
    };
    // 31·2 is below 2^(54 - 2·24), 33·2 is not
    assert_eq!(build(31.0, 0.5, 24), (Interval::symmetric(62.0), 0));
    assert_eq!(build(33.0, 0.5, 24).1, 1);
    assert_eq!(build(33.0, 0.5, 23).1, 0);
    let (range, warnings) = build(1.0, -2.0, 20);
    assert!(range.max >= 1.0 / 2f64.powi(-20) && warnings == 1, "{range:?}");
}

#[test]
fn warnings_name_what_could_leave_the_range() {
    let build = |range: Option<Interval>| {
        let mut graph = Graph::new();
        let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
        let mut input = |name: &str, owner| {
            let (shape, visibility, role) = (dims(&[1, 64]), Visibility::Private(owner), Role::Data);
            graph.add(Input { shape, visibility, role, range, dtype: DType::Fixed }, &[], name).unwrap()
        };
        let (x, y) = (input("x", alice), input("y", bob));
        let product = graph.add(Mul, &[x, y], "product").unwrap();
        let mean = graph.add(Mean { axes: vec![1], keepdims: false }, &[product], "mean").unwrap();
        let relu = graph.add(Relu, &[mean], "relu").unwrap();
        graph.reveal(relu, &[alice], "answer").unwrap();
        warnings(&graph, 16).unwrap()
    };
    let names = |warnings: &[RangeWarning]| warnings.iter().map(|w| w.name.clone()).collect::<Vec<_>>();
    let within = |bound: f64| build(Some(Interval::symmetric(bound)));
    assert_eq!(names(&within(4000.0)), [""; 0]);
    assert_eq!(names(&within(10_000.0)), ["mean"], "its sum is 64 times as large");
    assert_eq!(names(&within(40_000.0)), ["product", "mean"]);
    let unknown = build(None);
    assert_eq!(names(&unknown), ["product", "mean"]);
    assert!(unknown.iter().all(|warning| warning.assumed && warning.peak > warning.limit));
    assert!(within(40_000.0).iter().all(|warning| !warning.assumed));
}
