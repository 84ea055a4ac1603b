//! A case for each operation that has a form in ONNX.

use std::collections::BTreeSet;

use tacita_graph::ops::*;
use tacita_graph::testing::random_case;
use tacita_graph::{DType, NodeId, Op, dims, optimize};

use super::{BATCH, Case};

/// A name, a function that builds it, what it returns are the outputs.
type Build = fn(&mut Case) -> Vec<NodeId>;

/// One operation on a batch of (3, 4) numbers.
fn on(op: impl Into<Op>, c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 3, 4], DType::Fixed);
    vec![c.add(op, &[x])]
}

/// One on integers and on numbers.
fn on_both(op: impl Into<Op> + Clone, c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[3, 3, 4], DType::Int);
    let y = fixed(c, x);
    vec![c.add(op.clone(), &[x]), c.add(op, &[y])]
}

/// One with numbers of another shape, and with integers.
fn with(op: impl Into<Op> + Clone, c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 3, 4], DType::Fixed);
    let w = c.parameter("w", &[3, 1], DType::Fixed);
    let (a, b) = (whole(c, x), whole(c, w));
    vec![c.add(op.clone(), &[x, w]), c.add(op, &[b, a])]
}

/// One with bits.
fn with_bits(op: impl Into<Op>, c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 3, 4], DType::Bit);
    let w = c.parameter("w", &[3, 1], DType::Fixed);
    let zero = c.number(0.0);
    let w = c.add(Less, &[w, zero]);
    vec![c.add(op, &[x, w])]
}

fn cast(c: &mut Case, x: NodeId, to: DType) -> NodeId {
    c.add(Cast { to, rounding: ToWhole::Nearest }, &[x])
}

fn whole(c: &mut Case, x: NodeId) -> NodeId {
    cast(c, x, DType::Int)
}

fn fixed(c: &mut Case, x: NodeId) -> NodeId {
    cast(c, x, DType::Fixed)
}

/// x² + 1/2.
fn positive(c: &mut Case, x: NodeId) -> NodeId {
    let half = c.number(0.5);
    let square = c.add(Mul, &[x, x]);
    c.add(Add, &[square, half])
}

fn of_positive(op: impl Into<Op>, c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 3, 4], DType::Fixed);
    let x = positive(c, x);
    vec![c.add(op, &[x])]
}

fn max_pool_of(
    kernel: [usize; 2],
    stride: [usize; 2],
    pads: [usize; 4],
    dilation: [usize; 2],
    ceil: bool,
) -> MaxPool {
    MaxPool {
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        pads_begin: pads[..2].to_vec(),
        pads_end: pads[2..].to_vec(),
        dilation: dilation.to_vec(),
        ceil_mode: ceil,
    }
}

/// Pools with and without padding that counts, and windows beyond it.
fn average_pools(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 2, 7, 5], DType::Fixed);
    let mut outputs = Vec::new();
    for (pads, ceil_mode, count_include_pad) in [
        ([0, 0, 0, 0], false, false),
        ([1, 0, 1, 2], false, false),
        ([1, 0, 1, 2], false, true),
        ([1, 1, 0, 1], true, false),
        ([1, 1, 0, 1], true, true),
        ([0, 0, 0, 0], true, true),
    ] {
        let pool = AveragePool {
            kernel: vec![3, 3],
            stride: vec![3, 2],
            pads_begin: pads[..2].to_vec(),
            pads_end: pads[2..].to_vec(),
            ceil_mode,
            count_include_pad,
        };
        outputs.push(c.add(pool, &[x]));
    }
    outputs
}

fn max_pools(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 2, 7, 5], DType::Fixed);
    [
        max_pool_of([2, 2], [2, 2], [0; 4], [1, 1], false),
        max_pool_of([2, 2], [2, 2], [0; 4], [1, 1], true),
        max_pool_of([3, 2], [2, 3], [1, 1, 2, 0], [1, 1], true),
        // the padding is as long as the kernel, and windows see beyond it
        max_pool_of([2, 2], [1, 1], [2, 0, 3, 0], [4, 1], false),
    ]
    .into_iter()
    .map(|pool| c.add(pool, &[x]))
    .collect()
}

fn convolutions(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 4, 7, 5], DType::Fixed);
    let row = c.add(Reshape { shape: vec![BATCH, 4, 35] }, &[x]);
    let (w, b) = (c.parameter("w", &[6, 4, 3, 2], DType::Fixed), c.parameter("b", &[6], DType::Fixed));
    let each = c.parameter("each", &[8, 1, 3, 3], DType::Fixed);
    let along = c.parameter("along", &[2, 4, 3], DType::Fixed);
    let conv = |stride: &[usize], begin: &[usize], end: &[usize], dilation: &[usize], groups| Conv {
        stride: stride.to_vec(),
        pads_begin: begin.to_vec(),
        pads_end: end.to_vec(),
        dilation: dilation.to_vec(),
        groups,
    };
    vec![
        c.add(conv(&[1, 1], &[0, 0], &[0, 0], &[1, 1], 1), &[x, w]),
        c.add(conv(&[2, 3], &[1, 0], &[2, 3], &[2, 1], 1), &[x, w, b]),
        c.add(conv(&[1, 2], &[1, 1], &[1, 1], &[1, 1], 4), &[x, each]),
        c.add(conv(&[3], &[2], &[1], &[2], 1), &[row, along]),
    ]
}

/// Over axes in the middle, last, none, and all.
fn reductions(make: fn(Vec<usize>, bool) -> Op, c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[3, 3, 4], DType::Fixed);
    [(vec![1], false), (vec![0, 2], true), (vec![], false), (vec![0, 1, 2], false)]
        .into_iter()
        .map(|(axes, keepdims)| c.add(make(axes, keepdims), &[x]))
        .collect()
}

fn over_bits(make: fn(Vec<usize>, bool) -> Op, c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[3, 2, 2], DType::Bit);
    [(vec![1], false), (vec![0, 2], true), (vec![], true)]
        .into_iter()
        .map(|(axes, keepdims)| c.add(make(axes, keepdims), &[x]))
        .collect()
}

/// Of numbers, integers and bits.
fn gathers(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 3, 4], DType::Fixed);
    let (n, zero) = (whole(c, x), c.number(0.0));
    let bits = c.add(Less, &[zero, x]);
    let zeros = Gather { axis: 2, indices: vec![3, Gather::ZERO, 0, 3] };
    let twice = Gather { axis: 1, indices: vec![1, 1] };
    let all = [x, n, bits].into_iter().flat_map(|x| [(zeros.clone(), x), (twice.clone(), x)]);
    all.collect::<Vec<_>>().into_iter().map(|(op, x)| c.add(op, &[x])).collect()
}

/// From tables of every kind, with bits that are one-hot and such as are not.
fn picks(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[3, 2], DType::Int);
    let table = c.parameter("table", &[5, 4], DType::Fixed);
    let zero = c.number(0.0);
    let (numbers, bits) = (whole(c, table), c.add(Less, &[table, zero]));
    let hot = c.add(OneHot { depth: 5 }, &[x]);
    // no index: zeros
    let none = c.add(OneHot { depth: 4 }, &[x]);
    let not = c.add(Not, &[none]);
    let nothing = c.add(And, &[none, not]);
    let some = c.add(Or, &[none, nothing]);
    vec![
        c.add(Pick { axis: 0 }, &[table, hot]),
        c.add(Pick { axis: 1 }, &[table, some]),
        c.add(Pick { axis: 1 }, &[table, nothing]),
        c.add(Pick { axis: 1 }, &[numbers, some]),
        c.add(Pick { axis: 1 }, &[bits, some]),
    ]
}

fn casts(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 3, 4], DType::Fixed);
    let mut outputs: Vec<NodeId> = [ToWhole::Floor, ToWhole::Ceil, ToWhole::Nearest, ToWhole::TowardsZero]
        .into_iter()
        .map(|rounding| c.add(Cast { to: DType::Int, rounding }, &[x]))
        .collect();
    let (n, bits) = (outputs[0], cast(c, x, DType::Bit));
    outputs.extend([bits, cast(c, n, DType::Bit), fixed(c, n), fixed(c, bits), whole(c, bits), fixed(c, x)]);
    outputs
}

fn slices(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 6, 5], DType::Fixed);
    let most = usize::MAX;
    [
        Slice { starts: vec![0, 1, 0], ends: vec![most, 6, most], steps: vec![1, 2, 1] },
        Slice { starts: vec![0, 0, 2], ends: vec![most, 4, most], steps: vec![1, 3, 2] },
        Slice { starts: vec![0; 3], ends: vec![most; 3], steps: vec![1; 3] },
    ]
    .into_iter()
    .map(|slice| c.add(slice, &[x]))
    .collect()
}

/// Public numbers of known shapes and of the batch's, used with data.
fn constants(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 3], DType::Fixed);
    let shapes = [vec![], dims(&[3]), vec![BATCH, 3], vec![BATCH, 1]];
    shapes
        .into_iter()
        .enumerate()
        .map(|(i, shape)| {
            let constant = c.add(Constant { shape, value: 1.0 + i as f64 }, &[]);
            c.add(Mul, &[x, constant])
        })
        .collect()
}

fn expansions(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 1, 4], DType::Fixed);
    let w = c.parameter("w", &[1, 4], DType::Fixed);
    let wide = vec![BATCH, 3, 4];
    vec![c.add(Expand { shape: wide.clone() }, &[x]), c.add(Expand { shape: wide }, &[w])]
}

fn combinations(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 3, 4], DType::Fixed);
    let rows = vec![vec![(0, 0.5), (2, -1.25)], vec![], vec![(1, 2.0), (1, 1.0)], vec![(0, 1.0)]];
    vec![c.add(Combine { axis: 1, rows: rows.clone() }, &[x]), c.add(Combine { axis: 2, rows }, &[x])]
}

/// Numbers of one draw, which is the first in both graphs; the model is told the batch by its input.
fn draws(c: &mut Case) -> Vec<NodeId> {
    let x = c.data(&[0, 3], DType::Fixed);
    let drawn = c.add(Uniform { shape: vec![BATCH, 3], low: -1.0, high: 3.0, draw: 0 }, &[]);
    vec![c.add(Add, &[x, drawn])]
}

const CASES: &[(&str, Build)] = &[
    ("abs", |c| on_both(Abs, c)),
    ("add", |c| with(Add, c)),
    ("all", |c| over_bits(|axes, keepdims| All { axes, keepdims }.into(), c)),
    ("and", |c| with_bits(And, c)),
    ("any", |c| over_bits(|axes, keepdims| Any { axes, keepdims }.into(), c)),
    ("arg_max", |c| on_both(ArgMax { axis: 1, keepdims: false }, c)),
    ("arg_min", |c| on_both(ArgMin { axis: 2, keepdims: true }, c)),
    ("arg_sort", |c| on_both(ArgSort { axis: 1, descending: false }, c)),
    ("average_pool", average_pools),
    ("batch_norm", |c| {
        let x = c.data(&[0, 3, 4], DType::Fixed);
        let [scale, bias, mean, root] =
            ["scale", "bias", "mean", "root"].map(|name| c.parameter(name, &[3], DType::Fixed));
        let variance = positive(c, root);
        vec![c.add(BatchNorm { epsilon: 1e-5 }, &[x, scale, bias, mean, variance])]
    }),
    ("cast", casts),
    ("ceil", |c| on(Ceil, c)),
    ("clip", |c| on(Clip { min: Some(-1.0), max: Some(0.75) }, c)),
    ("clip_below", |c| on(Clip { min: Some(-0.5), max: None }, c)),
    ("combine", combinations),
    ("concat", |c| {
        let x = c.data(&[0, 3, 4], DType::Fixed);
        vec![c.add(Concat { axis: 1 }, &[x, x]), c.add(Concat { axis: 2 }, &[x])]
    }),
    ("constant", constants),
    ("conv", convolutions),
    ("cos", |c| on(Cos, c)),
    ("cum_sum", |c| on_both(CumSum { axis: 1, exclusive: true, reverse: false }, c)),
    ("cum_sum_bits", |c| {
        let x = c.data(&[0, 4], DType::Bit);
        vec![c.add(CumSum { axis: 1, exclusive: false, reverse: true }, &[x])]
    }),
    ("div", |c| {
        let x = c.data(&[0, 3, 4], DType::Fixed);
        let w = c.parameter("w", &[3, 1], DType::Fixed);
        let w = positive(c, w);
        vec![c.add(Div, &[x, w])]
    }),
    ("equal", |c| with(Equal, c)),
    ("equal_bits", |c| with_bits(Equal, c)),
    ("erf", |c| on(Erf, c)),
    ("exp", |c| on(Exp, c)),
    ("expand", expansions),
    ("floor", |c| on(Floor, c)),
    ("gather", gathers),
    ("gelu", |c| on(Gelu { tanh: false }, c)),
    ("gelu_tanh", |c| on(Gelu { tanh: true }, c)),
    ("greater", |c| with(Greater, c)),
    ("greater_equal", |c| with(GreaterEqual, c)),
    ("less", |c| with(Less, c)),
    ("less_equal", |c| with(LessEqual, c)),
    ("log", |c| of_positive(Log, c)),
    ("log_softmax", |c| on(LogSoftmax { axis: 1 }, c)),
    ("log_sum_exp", |c| on(LogSumExp { axis: 2, keepdims: false }, c)),
    ("mat_mul", |c| {
        let x = c.data(&[0, 3, 4], DType::Fixed);
        let w = c.parameter("w", &[4, 5], DType::Fixed);
        let (a, b) = (whole(c, x), whole(c, w));
        vec![c.add(MatMul, &[x, w]), c.add(MatMul, &[a, b])]
    }),
    ("max", |c| on_both(Max { axis: 1, keepdims: false }, c)),
    ("max_pool", max_pools),
    ("maximum", |c| with(Maximum, c)),
    ("mean", |c| reductions(|axes, keepdims| Mean { axes, keepdims }.into(), c)),
    ("min", |c| on_both(Min { axis: 2, keepdims: true }, c)),
    ("minimum", |c| with(Minimum, c)),
    ("mul", |c| with(Mul, c)),
    ("neg", |c| on_both(Neg, c)),
    ("normalize", |c| on(Normalize { axes: vec![1, 2], epsilon: 1e-5, centre: true }, c)),
    ("normalize_rms", |c| on(Normalize { axes: vec![1], epsilon: 0.25, centre: false }, c)),
    ("not", |c| {
        let x = c.data(&[0, 3], DType::Bit);
        vec![c.add(Not, &[x])]
    }),
    ("not_equal", |c| with(NotEqual, c)),
    ("one_hot", |c| {
        let x = c.data(&[0, 4], DType::Int);
        vec![c.add(OneHot { depth: 3 }, &[x])]
    }),
    ("or", |c| with_bits(Or, c)),
    ("pad", |c| on(Pad { before: vec![0, 1, 0], after: vec![0, 2, 1], value: -0.5 }, c)),
    ("pick", picks),
    ("pick_batch", |c| {
        let x = c.data(&[0, 2], DType::Int);
        let table = c.parameter("table", &[5, 4], DType::Fixed);
        let hot = c.add(OneHot { depth: 5 }, &[x]);
        let not = c.add(Not, &[hot]);
        vec![c.add(Pick { axis: 0 }, &[table, hot]), c.add(Pick { axis: 0 }, &[table, not])]
    }),
    ("precision", |c| on(Precision { bits: 8 }, c)),
    ("reciprocal", |c| of_positive(Reciprocal, c)),
    ("relu", |c| on(Relu, c)),
    ("relu_gradient", |c| {
        let x = c.data(&[0, 3], DType::Fixed);
        let w = c.parameter("w", &[3], DType::Fixed);
        // what reaches a value has its shape, and a value that is compared is secret
        let (value, reaches) = (c.add(Add, &[x, w]), c.add(Sub, &[w, x]));
        vec![c.add(ReluGradient, &[value, reaches])]
    }),
    ("relu_max_pool", |c| {
        let x = c.data(&[0, 2, 5, 5], DType::Fixed);
        vec![c.add(ReluMaxPool { pool: max_pool_of([2, 2], [1, 2], [1, 0, 0, 0], [1, 1], true) }, &[x])]
    }),
    ("reshape", |c| {
        let x = c.data(&[0, 3, 4], DType::Fixed);
        let w = c.parameter("w", &[2, 3], DType::Fixed);
        let row = c.add(Reshape { shape: dims(&[6]) }, &[w]);
        vec![c.add(Reshape { shape: vec![BATCH, 12] }, &[x]), row]
    }),
    ("round", |c| on(Round, c)),
    ("rsqrt", |c| of_positive(Rsqrt, c)),
    ("select", |c| {
        let x = c.data(&[0, 3, 4], DType::Fixed);
        let w = c.parameter("w", &[3, 1], DType::Fixed);
        let bit = c.add(Less, &[x, w]);
        let (n, other) = (whole(c, x), c.add(LessEqual, &[w, x]));
        let m = whole(c, w);
        vec![c.add(Select, &[bit, x, w]), c.add(Select, &[bit, m, n]), c.add(Select, &[bit, other, bit])]
    }),
    ("sigmoid", |c| on(Sigmoid, c)),
    ("sign", |c| on_both(Sign, c)),
    ("silu", |c| on(Silu, c)),
    ("sin", |c| on(Sin, c)),
    ("slice", slices),
    ("softmax", |c| on(Softmax { axis: 2 }, c)),
    ("softplus", |c| on(Softplus, c)),
    ("sort", |c| on_both(Sort { axis: 2, descending: true }, c)),
    ("sqrt", |c| of_positive(Sqrt, c)),
    ("sub", |c| with(Sub, c)),
    ("sum", |c| reductions(|axes, keepdims| Sum { axes, keepdims }.into(), c)),
    ("tanh", |c| on(Tanh, c)),
    ("transpose", |c| on(Transpose { perm: vec![0, 2, 1] }, c)),
    ("xor", |c| with_bits(Xor, c)),
];

/// What draws: a runtime draws other numbers.
const DRAWN: &[(&str, Build)] = &[
    ("drawn_batch", draws),
    ("drawn_known", |c| {
        let x = c.data(&[3, 3], DType::Fixed);
        let drawn = c.add(Uniform { shape: dims(&[3, 3]), low: 0.0, high: 0.5, draw: 0 }, &[]);
        vec![c.add(Add, &[x, drawn])]
    }),
];

#[test]
fn every_operation() {
    let mut failures = Vec::new();
    for (name, build) in CASES {
        let mut case = Case::new(name.len() as u64);
        let outputs = build(&mut case);
        if let Err(error) = case.try_check(name, &outputs) {
            failures.push(format!("{name}: {error}"));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn draws_are_drawn_again() {
    for (name, build) in DRAWN {
        let mut case = Case::new(1);
        let outputs = build(&mut case);
        case.check(name, &outputs);
    }
}

#[test]
fn bits_are_drawn_as_often_as_they_should() {
    for probability in [0.0, 0.25, 1.0] {
        let mut case = Case::new(1);
        let x = case.data(&[1000], DType::Fixed);
        let bits = case.add(Bernoulli { shape: dims(&[1000]), probability, draw: 0 }, &[]);
        let chosen = case.add(Select, &[bits, x, x]);
        let bytes =
            tacita_onnx::export_bytes(&case.graph, &[("bits", bits), ("x", chosen)], &Default::default());
        assert!(matches!(bytes, Err(tacita_onnx::ExportError::Output { .. })), "x is the input");
        let bytes =
            tacita_onnx::export_bytes(&case.graph, &[("bits", bits), ("same", chosen)], &Default::default());
        let options = tacita_onnx::ImportOptions::default();
        let model = tacita_onnx::import_bytes(&bytes.unwrap(), &options).unwrap();
        let mut inputs = model.parameters.clone();
        inputs.insert("x".to_string(), case.values["x"].clone());
        let values = tacita_graph::plain(model.template.example(), &inputs).unwrap();
        let ones = values[&model.template.example().reveals()[0]].sum();
        // five deviations
        assert!(
            (ones - 1000.0 * probability).abs() <= 5.0 * (1000.0 * probability * (1.0 - probability)).sqrt()
        );
    }
}

#[test]
fn there_is_a_case_for_each() {
    let mut all = BTreeSet::new();
    for seed in 0..1800 {
        let graph = random_case(seed, 12).graph;
        // what rewrites make is exported, too
        let rewritten = optimize(&graph).unwrap();
        all.extend(graph.nodes().iter().chain(rewritten.nodes()).map(|node| node.op.name()));
    }
    assert_eq!(all.len(), 79, "those of tacita-graph's own test of what random graphs reach");
    let mut seen = BTreeSet::new();
    for (_, build) in CASES.iter().chain(DRAWN) {
        let mut case = Case::new(0);
        build(&mut case);
        seen.extend(case.graph.nodes().iter().map(|node| node.op.name()));
    }
    let missing: Vec<&str> = all.difference(&seen).copied().collect();
    // ends of a graph are what outputs are; bits are above; the last is refused
    assert_eq!(missing, ["Bernoulli", "Keep", "MaxPoolGradient", "Reveal"]);
}
