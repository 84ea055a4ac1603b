//! Comparisons in the bits that range inference proves: right at the very ends of a range, and cheaper.

mod common;

use std::sync::Arc;

use common::Case;
use common::compare::compare;
use ndarray::{ArrayD, IxDyn};
use tacita_graph::testing::{Random, compared_bits};
use tacita_graph::{
    DType, Graph, Inputs, Interval, NodeId, Op, Owner, Role, Visibility, dims, lower, ops, plain,
};
use tacita_mpc::TARGET;
use tacita_mpc::{Cost, Plan};
use tacita_program::RingOp;

struct Two {
    graph: Graph,
    owners: [Owner; 2],
}

impl Two {
    fn new() -> Two {
        let mut graph = Graph::new();
        let owners = [graph.owner("alice"), graph.owner("bob")];
        Two { graph, owners }
    }

    fn input(&mut self, owner: usize, shape: &[usize], dtype: DType, range: Option<Interval>) -> NodeId {
        let name = format!("input {}", self.graph.nodes().len());
        let visibility = Visibility::Private(self.owners[owner]);
        let input = ops::Input { shape: dims(shape), visibility, role: Role::Data, range, dtype };
        self.graph.add(input, &[], &name).unwrap()
    }

    /// A secret value of which nothing is known: a product of two inputs without a range.
    fn unknown(&mut self, shape: &[usize]) -> NodeId {
        let [x, y] = [0, 1].map(|owner| self.input(owner, shape, DType::Fixed, None));
        self.add(ops::Mul, &[x, y])
    }

    fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        self.graph.add(op, inputs, "").unwrap()
    }

    fn reveal(&mut self, id: NodeId) {
        self.graph.reveal(id, &[self.owners[0]], "result").unwrap();
    }
}

#[test]
fn values_at_the_ends_of_their_range_compare_right() {
    let mut dealt = Vec::new();
    for k in [1, 2, 3, 4, 5, 8, 9, 16, 17, 20, 33, 50] {
        let half = 2f64.powi(k - 1);
        // differences from -2^k to 2^k - 1
        let ranges = [Interval::new(-half, half - 1.0), Interval::new(-half, half)];
        let mut two = Two::new();
        let [x, y] = [0, 1].map(|i| two.input(i, &[70], DType::Int, Some(ranges[i])));
        let difference = two.add(ops::Sub, &[x, y]);
        let results = [
            two.add(ops::Less, &[x, y]),
            two.add(ops::GreaterEqual, &[x, y]),
            two.add(ops::Equal, &[x, y]),
            two.add(ops::Maximum, &[x, y]),
            two.add(ops::Minimum, &[x, y]),
            two.add(ops::Sign, &[difference]),
            two.add(ops::Abs, &[difference]),
            two.add(ops::ArgMax { axis: 0, keepdims: false }, &[x]),
            two.add(ops::Min { axis: 0, keepdims: false }, &[difference]),
            two.add(ops::Sort { axis: 0, descending: true }, &[difference]),
        ];
        results.iter().for_each(|&result| two.reveal(result));
        let mut random = Random::new(k as u64);
        // all pairs of the ends and what is next to them, then anything between
        let mut values = |range: Interval, stride: usize| {
            let ends = [range.min, range.max, range.min + 1.0, range.max - 1.0, 0.0];
            let inside = |x: f64| x.clamp(range.min, range.max);
            ArrayD::from_shape_fn(IxDyn(&[70]), |at| match at[0] {
                at @ 0..25 => inside(ends[at / stride % 5]),
                _ => inside((range.min + random.unit() * (range.max - range.min)).round()),
            })
        };
        let names = [x, y].map(|id| two.graph.node(id).name.clone());
        let [first, second] = names;
        let inputs = Inputs::from([(first, values(ranges[0], 1)), (second, values(ranges[1], 5))]);
        let case = Case::new(&two.graph, 2, 16);
        let less = case.program.nodes.iter().find_map(|node| match node.op {
            RingOp::LessThanZero { bits } => Some(bits),
            _ => None,
        });
        assert_eq!(less, Some(k as u32), "x < y takes as many bits as the difference has");
        let exact = plain(&case.graph, &inputs).unwrap();
        for (id, got) in compare(&case, &inputs, k as u64) {
            let reveal =
                case.program.reveals().into_iter().find(|&reveal| case.program.node(reveal).origin == id);
            let dtype = case.program.node(reveal.unwrap()).ty;
            assert_eq!(got.to_f64(dtype), exact[&id], "{k} bits, {}", case.graph.label(id));
        }
        dealt.push(case.plan.cost().offline_bytes);
    }
    assert!(dealt[0] * 3 < dealt[dealt.len() - 1], "the fewer bits, the less is dealt: {dealt:?}");
}

#[test]
fn what_only_comparisons_use_is_opened_in_as_few_bits() {
    // a sign of 2^k takes k + 1 bits and itself: of 8, 16, 32 or 64 each
    for (k, bytes) in [(2, 1), (6, 1), (7, 2), (14, 2), (15, 4), (30, 4), (31, 8), (40, 8)] {
        let half = 2f64.powi(k - 1);
        let range = Interval::new(-half, half - 1.0);
        let mut two = Two::new();
        let [x, y] = [0, 1].map(|i| two.input(i, &[3, 30], DType::Int, Some(range)));
        // a secret of its own opening, and linear images of openings
        let sum = two.add(ops::Add, &[x, y]);
        let signs = two.add(ops::Sign, &[sum]);
        let less = two.add(ops::Less, &[x, y]);
        let equal = two.add(ops::Equal, &[x, y]);
        let largest = two.add(ops::ArgMax { axis: 1, keepdims: false }, &[x]);
        let hot = two.add(ops::OneHot { depth: 4 }, &[y]);
        let unlike = two.add(ops::Less, &[signs, y]);
        let sorted = two.add(ops::Sort { axis: 1, descending: false }, &[signs]);
        for result in [less, equal, largest, hot, unlike, sorted] {
            two.reveal(result);
        }
        let mut random = Random::new(k as u64);
        let mut values = || {
            ArrayD::from_shape_simple_fn(IxDyn(&[3, 30]), || {
                (range.min + random.unit() * (range.max - range.min)).round()
            })
        };
        let [first, second] = [x, y].map(|id| two.graph.node(id).name.clone());
        let inputs = Inputs::from([(first, values()), (second, values())]);
        let cases = [
            Case::new(&two.graph, 2, 16),
            Case::new(&two.graph, 3, 16),
            Case::with_data_owners(&two.graph, &["carol", "dave"], &["alice", "bob"], 16),
        ];
        for (i, case) in cases.iter().enumerate() {
            let exact = plain(&case.graph, &inputs).unwrap();
            for (id, got) in compare(case, &inputs, k as u64) {
                let reveals = case.program.reveals();
                let reveal = reveals.into_iter().find(|&reveal| case.program.node(reveal).origin == id);
                let dtype = case.program.node(reveal.unwrap()).ty;
                assert_eq!(got.to_f64(dtype), exact[&id], "{k} bits, {}", case.graph.label(id));
            }
            let cost = case.plan.cost();
            // data owners send inputs, of which the sum's opening follows
            let Some(row) = cost.nodes.iter().find(|node| node.node == sum) else {
                assert_eq!(i, 2);
                continue;
            };
            assert_eq!(
                row.online_bytes[0],
                (90_u64 * bytes).div_ceil(8) * 8 * [1, 2][i],
                "{k} bits, case {i}"
            );
        }
    }
}

#[test]
fn what_is_multiplied_too_is_opened_whole() {
    let mut two = Two::new();
    let range = Some(Interval::new(0.0, 1.0));
    let [x, y] = [0, 1].map(|i| two.input(i, &[64], DType::Fixed, range));
    let less = two.add(ops::Less, &[x, y]);
    let product = two.add(ops::Mul, &[x, y]);
    two.reveal(less);
    two.reveal(product);
    let case = Case::new(&two.graph, 2, 16);
    let name = two.graph.node(x).name.clone();
    let cost = case.plan.cost();
    let node = cost.nodes.iter().find(|node| node.name == name).unwrap();
    assert_eq!(node.online_bytes, [64 * 8, 0]);
}

/// What a graph costs, and what it would if all comparisons took the full width.
fn costs(graph: &Graph) -> [Cost; 2] {
    let narrow = lower(graph, 16, &TARGET).unwrap();
    let mut wide = narrow.clone().into_program();
    for node in &mut wide.nodes {
        match &mut node.op {
            RingOp::EqualZero { bits } => *bits = 64,
            RingOp::LessThanZero { bits }
            | RingOp::OneHotArgmax { bits }
            | RingOp::LessThanPairs { bits }
            | RingOp::Bucketize { bits, .. }
            | RingOp::Sort { bits, .. } => *bits = 63,
            _ => {}
        }
    }
    let names = ["alice".to_owned(), "bob".to_owned()];
    let wide = wide.verify().unwrap();
    [narrow, wide].map(|program| Plan::new(Arc::new(program), &names, Default::default()).unwrap().cost())
}

#[test]
fn bounded_values_are_compared_in_fewer_bits() {
    type Make = fn(&mut Two) -> NodeId;
    let largest: Make = |two| {
        let x = two.unknown(&[64, 10]);
        let x = two.add(ops::Softmax { axis: 1 }, &[x]);
        two.add(ops::ArgMax { axis: 1, keepdims: false }, &[x])
    };
    let clipped: Make = |two| {
        let x = two.unknown(&[64]);
        let x = two.add(ops::Sigmoid, &[x]);
        two.add(ops::Clip { min: Some(0.25), max: Some(0.75) }, &[x])
    };
    let relu6: Make = |two| {
        let x = two.unknown(&[64]);
        let x = two.add(ops::Tanh, &[x]);
        two.add(ops::Clip { min: Some(0.0), max: Some(6.0) }, &[x])
    };
    let pooled: Make = |two| {
        let x = two.unknown(&[64, 4]);
        let x = two.add(ops::Clip { min: Some(0.0), max: Some(6.0) }, &[x]);
        two.add(ops::Max { axis: 1, keepdims: false }, &[x])
    };
    let ages: Make = |two| {
        let range = Some(Interval::new(0.0, 120.0));
        let [x, y] = [0, 1].map(|owner| two.input(owner, &[64], DType::Int, range));
        two.add(ops::Less, &[x, y])
    };
    let indices: Make = |two| {
        let x = two.unknown(&[64, 10]);
        let [first, second] = [
            two.add(ops::ArgMax { axis: 1, keepdims: false }, &[x]),
            two.add(ops::ArgMin { axis: 1, keepdims: false }, &[x]),
        ];
        two.add(ops::Equal, &[first, second])
    };
    let hot: Make = |two| {
        let range = Some(Interval::new(-100.0, 100.0));
        let [x, y] = [0, 1].map(|owner| two.input(owner, &[64], DType::Int, range));
        let x = two.add(ops::Add, &[x, y]);
        two.add(ops::OneHot { depth: 10 }, &[x])
    };
    let sorted: Make = |two| {
        let x = two.unknown(&[4, 16]);
        let x = two.add(ops::Sigmoid, &[x]);
        two.add(ops::Sort { axis: 1, descending: false }, &[x])
    };
    let any: Make = |two| {
        let range = Some(Interval::new(0.0, 1.0));
        let [x, y] = [0, 1].map(|owner| two.input(owner, &[64, 9], DType::Bit, range));
        let x = two.add(ops::Xor, &[x, y]);
        two.add(ops::Any { axes: vec![1], keepdims: false }, &[x])
    };
    let mut wrong = Vec::new();
    // what is saved of all that is dealt, at least in percent; and in rounds
    for (what, make, percent, rounds) in [
        ("the largest of a softmax", largest, 5, 0),
        ("a clipped sigmoid", clipped, 15, 1),
        ("relu6 of a tanh", relu6, 8, 0),
        ("the largest of four values up to 6", pooled, 20, 0),
        ("two ages", ages, 80, 1),
        ("two indices", indices, 0, 2),
        ("an index that may be out of range", hot, 20, 1),
        ("sixteen sigmoids in order", sorted, 30, 0),
        ("any of nine bits", any, 30, 2),
    ] {
        let mut two = Two::new();
        let result = make(&mut two);
        two.reveal(result);
        let [narrow, wide] = costs(&two.graph);
        let saved = 100.0 * (1.0 - narrow.offline_bytes as f64 / wide.offline_bytes as f64);
        println!(
            "{what}: {} bytes dealt for {}, {saved:.0} % less; {} rounds for {}",
            narrow.offline_bytes, wide.offline_bytes, narrow.rounds, wide.rounds
        );
        if saved < f64::from(percent) || wide.rounds - narrow.rounds != rounds {
            wrong.push(what);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} save something else");
}

#[test]
fn values_without_a_range_bound_take_the_full_width() {
    let mut two = Two::new();
    let x = two.unknown(&[64]);
    let y = two.unknown(&[64]);
    let sum = two.add(ops::Add, &[x, y]);
    for result in [two.add(ops::Relu, &[x]), two.add(ops::Less, &[x, y]), two.add(ops::Sign, &[sum])] {
        two.reveal(result);
    }
    // truncated, so that its fractional bits are the session's: what it stood for may have been anything
    let x = two.add(ops::Sort { axis: 0, descending: false }, &[sum]);
    two.reveal(x);
    let program = lower(&two.graph, 16, &TARGET).unwrap();
    let bits: Vec<u32> = program.nodes.iter().filter_map(|node| compared_bits(&node.op)).collect();
    assert_eq!(bits, [63; 5]);
}
