//! Every operation, for public, private and secret operands in every combination, with 2, 3 and 4 parties: the parties
//! compute what `fixed` does, `fixed` is within the error model's bound of `plain`, and the plan's cost is measured.

mod common;

use common::Case;
use common::compare::compare;
use ndarray::{ArrayD, IxDyn};
use tacita_graph::testing::Random;
use tacita_graph::{
    ClearValue, Dim, Graph, GraphError, Inputs, NodeId, Op, Owner, RingKind, RingOp, Role, Visibility, dims,
    error_bounds, functions, ops, plain,
};

const PRECISION: u32 = 16;

/// Where an operand comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Public,
    Alice,
    Bob,
    Weight,
    Secret,
}

const ALL: [From; 5] = [From::Public, From::Alice, From::Bob, From::Weight, From::Secret];

struct Builder {
    graph: Graph,
    inputs: Inputs,
    random: Random,
    owners: [Owner; 2],
    positive: bool,
}

impl Builder {
    fn new(seed: u64) -> Builder {
        let mut graph = Graph::new();
        let owners = [graph.owner("alice"), graph.owner("bob")];
        Builder { graph, inputs: Inputs::new(), random: Random::new(seed), owners, positive: false }
    }

    fn leaf(&mut self, shape: &[usize], visibility: Visibility, role: Role) -> NodeId {
        let name = format!("input {}", self.inputs.len());
        // halves, so that comparisons meet ties
        let random = &mut self.random;
        let positive = self.positive;
        let value = ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            let value = (random.unit() * 16.0 - 8.0).round() / 2.0;
            if positive { value.abs() + 0.5 } else { value }
        });
        self.inputs.insert(name.clone(), value);
        self.graph.input(&name, &dims(shape), visibility, role).unwrap()
    }

    fn operand(&mut self, shape: &[usize], from: From) -> NodeId {
        let [alice, bob] = self.owners.map(Visibility::Private);
        match from {
            From::Public => self.leaf(shape, Visibility::Public, Role::Data),
            From::Alice => self.leaf(shape, alice, Role::Data),
            From::Bob => self.leaf(shape, bob, Role::Data),
            From::Weight => self.leaf(shape, bob, Role::Parameter),
            From::Secret => {
                let (a, b) = (self.leaf(shape, alice, Role::Data), self.leaf(shape, bob, Role::Data));
                self.graph.add(ops::Add {}, &[a, b], "").unwrap()
            }
        }
    }
}

/// One operation on operands of these shapes, as any of `from` each.
fn check(op: impl Into<Op>, shapes: &[&[usize]], from: &[From]) {
    let op = op.into();
    let mut builder = Builder::new(7);
    let operands: Vec<NodeId> =
        shapes.iter().zip(from).map(|(shape, from)| builder.operand(shape, *from)).collect();
    let inputs = &operands[..];
    let result = builder.graph.add(op.clone(), inputs, "result").unwrap();
    finish(builder, result, &format!("{} of {from:?}", op.name()));
}

fn finish(mut builder: Builder, result: NodeId, what: &str) {
    let [alice, bob] = builder.owners;
    builder.graph.reveal(result, &[alice], "to alice").unwrap();
    builder.graph.reveal(result, &[alice, bob], "to both").unwrap();
    let exact = plain(&builder.graph, &builder.inputs).unwrap();
    let bounds = error_bounds(&builder.graph, &builder.inputs, PRECISION).unwrap();
    let exact = exact.values().next().unwrap();
    let bound = bounds.values().next().unwrap();
    for parties in 2..=4 {
        let case = Case::new(&builder.graph, parties, PRECISION);
        let reveals = compare(&case, &builder.inputs, 3);
        let reveal = case.program.reveals()[0];
        let kind = case.program.node(case.program.node(reveal).inputs[0]).kind;
        let value: &ClearValue = reveals.values().next().unwrap();
        let got = value.to_f64(kind);
        for ((got, exact), bound) in got.iter().zip(exact).zip(bound) {
            assert!((got - exact).abs() <= *bound + 1e-12, "{what}: {got}, exactly {exact}, bound {bound}");
        }
    }
}

/// All combinations of origins for `count` operands.
fn combinations(count: usize) -> Vec<Vec<From>> {
    (0..ALL.len().pow(count as u32))
        .map(|n| (0..count).map(|i| ALL[n / ALL.len().pow(i as u32) % ALL.len()]).collect())
        .collect()
}

macro_rules! operations {
    ($($name:ident: $op:expr, $shapes:expr;)*) => {
        $(#[test]
        fn $name() {
            let shapes: &[&[usize]] = $shapes;
            for from in combinations(shapes.len()) {
                check($op, shapes, &from);
            }
        })*
    };
}

fn conv(groups: usize) -> ops::Conv {
    ops::Conv {
        stride: vec![2, 1],
        pads_begin: vec![1, 0],
        pads_end: vec![0, 2],
        dilation: vec![1, 2],
        groups,
    }
}

operations! {
    add: ops::Add {}, &[&[3, 4], &[4]];
    sub: ops::Sub {}, &[&[3, 1], &[1, 4]];
    mul: ops::Mul {}, &[&[2, 3, 4], &[3, 1]];
    neg: ops::Neg {}, &[&[70]];
    mat_mul: ops::MatMul {}, &[&[2, 3, 4], &[4, 5]];
    convolution: conv(1), &[&[2, 2, 5, 6], &[3, 2, 2, 2]];
    grouped_convolution: conv(2), &[&[1, 4, 5, 6], &[2, 2, 3, 2]];
    convolution_in_one_dimension:
        ops::Conv { stride: vec![2], pads_begin: vec![1], pads_end: vec![2], dilation: vec![2], groups: 1 },
        &[&[2, 2, 9], &[3, 2, 3]];
    convolution_with_bias: conv(1), &[&[1, 2, 4, 5], &[2, 2, 2, 2], &[2]];
    sum: ops::Sum { axes: vec![0, 2], keepdims: true }, &[&[2, 3, 4]];
    mean: ops::Mean { axes: vec![1], keepdims: false }, &[&[2, 3, 4]];
    average_pool: ops::AveragePool {
        kernel: vec![2, 3], stride: vec![2, 2], pads_begin: vec![0, 1], pads_end: vec![1, 1],
        ceil_mode: true, count_include_pad: false,
    }, &[&[1, 2, 5, 7]];
    max_pool: ops::MaxPool {
        kernel: vec![3, 3], stride: vec![2, 2], pads_begin: vec![1, 1], pads_end: vec![1, 0],
        dilation: vec![1, 1], ceil_mode: false,
    }, &[&[1, 2, 6, 5]];
    max_pool_in_one_dimension: ops::MaxPool {
        kernel: vec![2], stride: vec![2], pads_begin: vec![0], pads_end: vec![0], dilation: vec![2], ceil_mode: true,
    }, &[&[2, 2, 9]];
    reshape: ops::Reshape { shape: vec![Dim::Known(4), Dim::Known(6)] }, &[&[2, 3, 4]];
    transpose: ops::Transpose { perm: vec![2, 0, 1] }, &[&[2, 3, 4]];
    concat: ops::Concat { axis: 1 }, &[&[2, 3], &[2, 1]];
    slice: ops::Slice { starts: vec![0, 1], ends: vec![3, 7], steps: vec![2, 3] }, &[&[3, 7]];
    pad: ops::Pad { before: vec![1, 0], after: vec![0, 2], value: -1.5 }, &[&[2, 3]];
    expand: ops::Expand { shape: dims(&[3, 2, 4]) }, &[&[2, 1]];
    gather: ops::Gather { axis: 1, indices: vec![2, 0, ops::Gather::ZERO, 2] }, &[&[2, 3, 2]];
    combine_exactly: ops::Combine {
        axis: 1, rows: vec![vec![(0, 0.25), (2, 0.75)], vec![(1, 1.0)], vec![], vec![(1, -2.0), (1, 0.5), (0, 1.0)]],
    }, &[&[2, 3, 2]];
    combine: ops::Combine { axis: 0, rows: vec![vec![(0, 1.0 / 3.0), (1, 1.0 / 3.0)], vec![(1, -0.1)]] }, &[&[2, 3]];
    cum_sum: ops::CumSum { axis: 1, exclusive: false, reverse: true }, &[&[2, 5]];
    relu: ops::Relu {}, &[&[600]];
    clip: ops::Clip { min: Some(-1.25), max: Some(2.0) }, &[&[70]];
    max: ops::Max { axis: 1, keepdims: false }, &[&[3, 11]];
    arg_max: ops::ArgMax { axis: 1, keepdims: true }, &[&[3, 11]];
    maximum: ops::Maximum {}, &[&[3, 4], &[4]];
    minimum: ops::Minimum {}, &[&[3, 4], &[3, 1]];
    less: ops::Less {}, &[&[3, 40], &[40]];
    greater: ops::Greater {}, &[&[3, 40], &[40]];
    less_equal: ops::LessEqual {}, &[&[3, 40], &[40]];
    greater_equal: ops::GreaterEqual {}, &[&[3, 40], &[40]];
    sigmoid: ops::Sigmoid {}, &[&[3, 30]];
    tanh: ops::Tanh {}, &[&[90]];
    erf: ops::Erf {}, &[&[90]];
    gelu: ops::Gelu { tanh: false }, &[&[90]];
    gelu_with_tanh: ops::Gelu { tanh: true }, &[&[90]];
    silu: ops::Silu {}, &[&[90]];
    softplus: ops::Softplus {}, &[&[90]];
    sine: ops::Sin {}, &[&[90]];
    cosine: ops::Cos {}, &[&[90]];
    softmax: ops::Softmax { axis: 1 }, &[&[3, 21, 2]];
    softmax_over_many: ops::Softmax { axis: 0 }, &[&[300, 2]];
    log_softmax: ops::LogSoftmax { axis: 1 }, &[&[3, 10]];
    log_sum_exp: ops::LogSumExp { axis: 0, keepdims: false }, &[&[7, 5]];
    layer_norm: ops::Normalize { axes: vec![1, 2], epsilon: 1e-5, centre: true }, &[&[3, 5, 7]];
    rms_norm: ops::Normalize { axes: vec![1], epsilon: 1e-6, centre: false }, &[&[3, 24]];
    exponential: ops::Exp {}, &[&[90]];
}

#[test]
fn functions_of_positive_numbers() {
    let all: [Op; 4] =
        [ops::Log {}.into(), ops::Sqrt {}.into(), ops::Rsqrt {}.into(), ops::Reciprocal {}.into()];
    for op in all {
        for from in ALL {
            let mut builder = Builder::new(7);
            builder.positive = true;
            let x = builder.operand(&[90], from);
            let result = builder.graph.add(op.clone(), &[x], "result").unwrap();
            finish(builder, result, &format!("{} of {from:?}", op.name()));
        }
    }
}

#[test]
fn quotients() {
    for from in combinations(2) {
        let mut builder = Builder::new(7);
        builder.positive = true;
        let operands: Vec<NodeId> = from.iter().map(|from| builder.operand(&[3, 5], *from)).collect();
        let result = builder.graph.add(ops::Div {}, &operands, "result").unwrap();
        finish(builder, result, &format!("quotient of {from:?}"));
    }
}

#[test]
fn reciprocals_of_negative_numbers() {
    let mut builder = Builder::new(7);
    builder.positive = true;
    let x = builder.operand(&[90], From::Secret);
    let negative = builder.graph.add(ops::Neg {}, &[x], "negative").unwrap();
    let result = builder.graph.add(ops::Reciprocal {}, &[negative], "result").unwrap();
    finish(builder, result, "reciprocal of a negative number");
}

/// A function of operands of these shapes, of any origin each.
fn check_function(
    shapes: &[&[usize]],
    what: &str,
    function: impl Fn(&mut Graph, &[NodeId]) -> Result<NodeId, GraphError>,
) {
    for from in combinations(shapes.len()) {
        let mut builder = Builder::new(7);
        let operands: Vec<NodeId> =
            shapes.iter().zip(&from).map(|(shape, from)| builder.operand(shape, *from)).collect();
        let result = function(&mut builder.graph, &operands).unwrap();
        finish(builder, result, &format!("{what} of {from:?}"));
    }
}

#[test]
fn functions_of_movement_and_products() {
    let padding = functions::PadMode::Reflect;
    check_function(&[&[2, 3, 4]], "pad", |graph, x| {
        functions::pad(graph, x[0], &[0, 1, -1], &[0, 1, 2], padding, "result")
    });
    let indices = ArrayD::from_shape_vec(IxDyn(&[3, 1]), vec![1, 0, 1]).unwrap();
    check_function(&[&[2, 3], &[3, 3]], "scatter", |graph, x| {
        functions::scatter_nd(graph, x[0], &indices, x[1], functions::Reduction::Add, "result")
    });
    check_function(&[&[2, 3, 4], &[4, 3]], "einsum", |graph, x| {
        functions::einsum(graph, "bij,jk->kb", x, "result")
    });
    let doubled = functions::Resize { axis: -1, size: 6, scale: 2.0 };
    let how = (functions::Resampling::Linear, functions::Coordinates::HalfPixel);
    check_function(&[&[1, 2, 3]], "resize", |graph, x| {
        functions::resize(graph, x[0], &[doubled], how.0, how.1, "result")
    });
    let attributes = functions::ConvTranspose {
        stride: vec![2, 1],
        pads_begin: vec![1, 0],
        pads_end: vec![0, 1],
        output_padding: vec![1, 0],
        dilation: vec![1, 2],
        groups: 1,
    };
    check_function(&[&[1, 2, 3, 3], &[2, 1, 2, 2]], "transposed convolution", |graph, x| {
        functions::conv_transpose(graph, x[0], x[1], None, &attributes, "result")
    });
    check_function(&[&[1, 2, 5, 3]], "adaptive pooling", |graph, x| {
        functions::adaptive_max_pool(graph, x[0], &[3, 2], "result")
    });
    check_function(&[&[2, 4]], "cumulative product", |graph, x| {
        let quarter = graph.add(ops::Constant { shape: vec![], value: 0.25 }, &[], "")?;
        let small = graph.add(ops::Mul {}, &[x[0], quarter], "")?;
        functions::cum_prod(graph, small, 1, false, "result")
    });
}

#[test]
fn select_and_not() {
    for from in combinations(4) {
        if from[..2].contains(&From::Weight) {
            continue; // a weight compares like any private value
        }
        let mut builder = Builder::new(11);
        let operands: Vec<NodeId> = from.iter().map(|from| builder.operand(&[2, 3], *from)).collect();
        let less = builder.graph.add(ops::Less {}, &operands[..2], "less").unwrap();
        let not = builder.graph.add(ops::Not {}, &[less], "not").unwrap();
        let select = builder.graph.add(ops::Select {}, &[not, operands[2], operands[3]], "select").unwrap();
        finish(builder, select, &format!("select of {from:?}"));
    }
}

#[test]
fn a_value_with_itself() {
    for from in ALL {
        for op in [Op::from(ops::Mul {}), ops::Add {}.into(), ops::Sub {}.into(), ops::MatMul {}.into()] {
            let mut builder = Builder::new(5);
            let x = builder.operand(&[4, 4], from);
            let twice = builder.graph.add(op.clone(), &[x, x], "twice").unwrap();
            finish(builder, twice, &format!("{} of {from:?} with itself", op.name()));
        }
    }
}

#[test]
fn shared_openings_are_made_once() {
    // three products of one value: one opening of it
    let mut builder = Builder::new(1);
    let x = builder.operand(&[4, 4], From::Secret);
    let results: Vec<NodeId> = (0..3)
        .map(|_| {
            let w = builder.operand(&[4, 4], From::Weight);
            builder.graph.add(ops::MatMul {}, &[x, w], "").unwrap()
        })
        .collect();
    for (i, result) in results.iter().enumerate() {
        builder.graph.reveal(*result, &builder.owners[..1], &format!("reveal {i}")).unwrap();
    }
    let case = Case::new(&builder.graph, 2, PRECISION);
    let cost = case.plan.cost();
    let truncations =
        case.program.nodes.iter().filter(|n| matches!(n.op, RingOp::Truncate { .. })).count() as u64;
    let ring = |n: &&tacita_graph::RingNode| matches!(n.kind, RingKind::Ring { .. });
    assert!(case.program.nodes.iter().filter(ring).count() > 3);
    // bob: x̂ once, ẑ of each product, his share of each reveal; alice: the same without reveals
    let opening = 16 * 8;
    assert_eq!(truncations, 3);
    assert_eq!(cost.online_bytes, vec![opening * (1 + 3), opening * (1 + 3 + 3)]);
    assert_eq!(cost.rounds, 3, "x̂, ẑ, reveal");
}

#[test]
fn what_no_link_takes_is_refused_before_anything_runs() {
    let mut builder = Builder::new(1);
    let [alice, bob] = builder.owners.map(Visibility::Private);
    let shape = dims(&[1 << 13, 1 << 13]);
    let x = builder.graph.input("x", &shape, alice, Role::Data).unwrap();
    let y = builder.graph.input("y", &shape, bob, Role::Data).unwrap();
    let relu = builder.graph.add(ops::Maximum {}, &[x, y], "the larger").unwrap();
    builder.graph.reveal(relu, &builder.owners[..1], "result").unwrap();
    let program = std::sync::Arc::new(tacita_graph::lower(&builder.graph, PRECISION).unwrap());
    let names = ["alice".to_owned(), "bob".to_owned()];
    let refused = tacita_mpc::Plan::new(program, &names, std::collections::BTreeMap::new());
    let message = refused.err().expect("a comparison of 2^26 elements deals too much at once").to_string();
    assert!(message.contains("the larger") && message.contains("smaller batch"), "{message}");
}

#[test]
fn public_values_that_few_bytes_name_and_no_memory_holds_are_refused() {
    let refused = |shape: &[usize], count: usize| {
        let mut builder = Builder::new(1);
        let axes: Vec<usize> = (0..shape.len()).collect();
        let secret = builder.operand(&[1], From::Secret);
        for i in 0..count {
            let graph = &mut builder.graph;
            let value =
                graph.input(&format!("public {i}"), &dims(shape), Visibility::Public, Role::Data).unwrap();
            let product = graph.add(ops::Mul {}, &[value, secret], "").unwrap();
            let sum = graph.add(ops::Sum { axes: axes.clone(), keepdims: false }, &[product], "").unwrap();
            graph.reveal(sum, &builder.owners[..1], &format!("result {i}")).unwrap();
        }
        let program = std::sync::Arc::new(tacita_graph::lower(&builder.graph, PRECISION).unwrap());
        let names = ["alice".to_owned(), "bob".to_owned()];
        let plan = tacita_mpc::Plan::new(program, &names, std::collections::BTreeMap::new());
        plan.err().map(|error| error.to_string())
    };
    assert_eq!(refused(&[1 << 10], 2), None);
    let message = refused(&[1 << 16, 1 << 16], 1).expect("2^32 elements");
    assert!(message.contains("public 0") && message.contains("65536×65536"), "{message}");
    let message = refused(&[1 << 27], 5).expect("five of 1 GiB");
    assert!(message.contains("public 4"), "{message}");
}

/// What a node costs for each of many elements at two parties: rounds, bytes opened, bytes dealt.
fn costs(op: impl Into<Op>, elements: usize, operands: &[&[usize]]) -> (u32, f64, f64) {
    let mut builder = Builder::new(1);
    let operands: Vec<NodeId> = operands
        .iter()
        .map(|shape| {
            let x = builder.operand(shape, From::Secret);
            let w = builder.operand(shape, From::Weight);
            builder.graph.add(ops::Mul {}, &[x, w], "product").unwrap()
        })
        .collect();
    let result = builder.graph.add(op, &operands, "result").unwrap();
    builder.graph.reveal(result, &builder.owners[..1], "reveal").unwrap();
    let cost = Case::new(&builder.graph, 2, PRECISION).plan.cost();
    let node = cost.nodes.into_iter().find(|node| node.name == "result").unwrap();
    let each = |bytes: u64| bytes as f64 / elements as f64;
    (node.rounds, each(node.online_bytes[0]), each(node.offline_bytes))
}

#[test]
fn the_costs_of_the_protocol_page() {
    // "Costs at a glance" of docs/protocol.md, of products at twice 16 bits
    const N: usize = 1024;
    assert_eq!(costs(ops::Relu {}, N, &[&[N]]), (3, 4.875, 69.125), "the opening counts at the product");
    // the four candidates are slices that are opened here, in one round of 4 · 8 bytes
    assert_eq!(costs(ops::Max { axis: 0, keepdims: false }, N, &[&[4, N]]), (1 + 4, 32.0 + 29.75, 360.75));
}
