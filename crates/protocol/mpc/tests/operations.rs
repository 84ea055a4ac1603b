//! Every operation, for public, private and secret operands in every combination, with 2, 3 and 4 parties: the parties
//! compute what `fixed` does, `fixed` is within the error model's bound of `plain`, and the plan's cost is measured.

mod common;

use common::Case;
use common::compare::compare;
use ndarray::{ArrayD, IxDyn};
use tacita_graph::ops::ToWhole;
use tacita_graph::testing::Random;
use tacita_graph::{
    ClearValue, DType, Graph, GraphError, Inputs, NodeId, Op, Owner, Role, Visibility, dims, error_bounds,
    functions, ops, optimize, plain,
};
use tacita_program::{RingOp, RingType};

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

    fn leaf(&mut self, (shape, dtype): (&[usize], DType), visibility: Visibility, role: Role) -> NodeId {
        let name = format!("input {}", self.inputs.len());
        // halves, so that comparisons meet ties
        let random = &mut self.random;
        let positive = self.positive;
        let value = ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            let value = (random.unit() * 16.0 - 8.0).round() / 2.0;
            match dtype {
                DType::Fixed if positive => value.abs() + 0.5,
                DType::Fixed => value,
                DType::Int => value.floor(),
                DType::Bit => f64::from(u8::from(value > 0.0)),
            }
        });
        self.inputs.insert(name.clone(), value);
        self.graph.input_of(&name, &dims(shape), visibility, role, dtype).unwrap()
    }

    fn operand(&mut self, shape: &[usize], from: From) -> NodeId {
        self.operand_of((shape, DType::Fixed), from)
    }

    fn operand_of(&mut self, ty: (&[usize], DType), from: From) -> NodeId {
        let [alice, bob] = self.owners.map(Visibility::Private);
        match from {
            From::Public => self.leaf(ty, Visibility::Public, Role::Data),
            From::Alice => self.leaf(ty, alice, Role::Data),
            From::Bob => self.leaf(ty, bob, Role::Data),
            From::Weight => self.leaf(ty, bob, Role::Parameter),
            From::Secret => {
                let (a, b) = (self.leaf(ty, alice, Role::Data), self.leaf(ty, bob, Role::Data));
                let op: Op = if ty.1 == DType::Bit { ops::Xor {}.into() } else { ops::Add {}.into() };
                self.graph.add(op, &[a, b], "").unwrap()
            }
        }
    }

    /// Bits as a comparison gives them, packed.
    fn packed(&mut self, shape: &[usize]) -> NodeId {
        let (a, b) = (self.operand(shape, From::Alice), self.operand(shape, From::Bob));
        self.graph.add(ops::Less {}, &[a, b], "").unwrap()
    }
}

/// One operation on operands of these shapes and kinds, as any of `from` each.
fn check(op: impl Into<Op>, types: &[(&[usize], DType)], from: &[From]) {
    let op = op.into();
    let mut builder = Builder::new(7);
    let operands: Vec<NodeId> =
        types.iter().zip(from).map(|(ty, from)| builder.operand_of(*ty, *from)).collect();
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
        let dtype = case.program.node(case.program.node(reveal).inputs[0]).ty;
        let value: &ClearValue = reveals.values().next().unwrap();
        let got = value.to_f64(dtype);
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

/// Operands of each kind that is named, fixed where none is.
macro_rules! operations {
    (@kinds) => { [DType::Fixed] };
    (@kinds $($dtype:ident)+) => { [$(DType::$dtype),+] };
    ($($name:ident: $op:expr, $shapes:expr $(, $($dtype:ident)+)?;)*) => {
        $(#[test]
        fn $name() {
            let shapes: &[&[usize]] = $shapes;
            for dtype in operations!(@kinds $($($dtype)+)?) {
                let types: Vec<_> = shapes.iter().map(|shape| (*shape, dtype)).collect();
                for from in combinations(shapes.len()) {
                    check($op, &types, &from);
                }
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

fn cast(to: DType, rounding: ToWhole) -> ops::Cast {
    ops::Cast { to, rounding }
}

operations! {
    add: ops::Add {}, &[&[3, 4], &[4]], Fixed Int;
    precision_of_no_fractional_bits: ops::Precision { bits: 0 }, &[&[3, 7]];
    precision_of_more_bits_than_the_session: ops::Precision { bits: 30 }, &[&[3, 7]];
    sub: ops::Sub {}, &[&[3, 1], &[1, 4]], Fixed Int;
    mul: ops::Mul {}, &[&[2, 3, 4], &[3, 1]], Fixed Int;
    neg: ops::Neg {}, &[&[70]], Fixed Int;
    mat_mul: ops::MatMul {}, &[&[2, 3, 4], &[4, 5]], Fixed Int;
    convolution: conv(1), &[&[2, 2, 5, 6], &[3, 2, 2, 2]];
    grouped_convolution: conv(2), &[&[1, 4, 5, 6], &[2, 2, 3, 2]];
    convolution_in_one_dimension:
        ops::Conv { stride: vec![2], pads_begin: vec![1], pads_end: vec![2], dilation: vec![2], groups: 1 },
        &[&[2, 2, 9], &[3, 2, 3]];
    convolution_with_bias: conv(1), &[&[1, 2, 4, 5], &[2, 2, 2, 2], &[2]];
    sum: ops::Sum { axes: vec![0, 2], keepdims: true }, &[&[2, 3, 4]], Fixed Int;
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
    reshape: ops::Reshape { shape: vec![4, 6] }, &[&[2, 3, 4]];
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
    max: ops::Max { axis: 1, keepdims: false }, &[&[3, 11]], Fixed Int;
    arg_max: ops::ArgMax { axis: 1, keepdims: true }, &[&[3, 11]], Fixed Int;
    maximum: ops::Maximum {}, &[&[3, 4], &[4]], Fixed Int;
    minimum: ops::Minimum {}, &[&[3, 4], &[3, 1]], Fixed Int;
    less: ops::Less {}, &[&[3, 40], &[40]], Fixed Int;
    greater: ops::Greater {}, &[&[3, 40], &[40]], Fixed Int;
    less_equal: ops::LessEqual {}, &[&[3, 40], &[40]], Fixed Int;
    greater_equal: ops::GreaterEqual {}, &[&[3, 40], &[40]], Fixed Int;
    equal: ops::Equal {}, &[&[3, 40], &[40]], Fixed Int Bit;
    not_equal: ops::NotEqual {}, &[&[3, 1], &[1, 40]], Fixed Int Bit;
    and: ops::And {}, &[&[3, 40], &[40]], Bit;
    or: ops::Or {}, &[&[3, 40], &[40]], Bit;
    xor: ops::Xor {}, &[&[3, 1], &[40]], Bit;
    any: ops::Any { axes: vec![0, 2], keepdims: true }, &[&[2, 3, 2]], Bit;
    all: ops::All { axes: vec![0], keepdims: false }, &[&[2, 40]], Bit;
    abs: ops::Abs {}, &[&[70]], Fixed Int;
    sign: ops::Sign {}, &[&[70]], Fixed Int;
    min: ops::Min { axis: 1, keepdims: false }, &[&[3, 11]], Fixed Int;
    arg_min: ops::ArgMin { axis: 0, keepdims: true }, &[&[11, 3]], Fixed Int;
    to_fixed: cast(DType::Fixed, ToWhole::Floor), &[&[70]], Fixed Int Bit;
    to_bits: cast(DType::Bit, ToWhole::Floor), &[&[70]], Fixed Int Bit;
    to_whole: cast(DType::Int, ToWhole::Floor), &[&[70]], Fixed Int Bit;
    to_whole_above: cast(DType::Int, ToWhole::Ceil), &[&[70]];
    to_nearest: cast(DType::Int, ToWhole::Nearest), &[&[70]];
    to_whole_towards_zero: cast(DType::Int, ToWhole::TowardsZero), &[&[70]];
    floor: ops::Floor {}, &[&[70]];
    ceil: ops::Ceil {}, &[&[70]];
    round: ops::Round {}, &[&[70]];
    sort: ops::Sort { axis: 1, descending: false }, &[&[2, 7, 3]], Fixed Int;
    sort_descending: ops::Sort { axis: 0, descending: true }, &[&[9, 2]], Fixed Int;
    arg_sort: ops::ArgSort { axis: 1, descending: false }, &[&[2, 33]], Fixed Int;
    arg_sort_descending: ops::ArgSort { axis: 0, descending: true }, &[&[6]], Fixed Int;
    one_hot: ops::OneHot { depth: 5 }, &[&[2, 9]], Int;
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
fn batch_norms_of_any_statistics() {
    for (i, from) in combinations(2).into_iter().enumerate() {
        let mut builder = Builder::new(7);
        builder.positive = true;
        let others = [ALL[i % 5], ALL[(i / 5 + i) % 5], ALL[(i + 2) % 5]];
        let x = builder.operand(&[2, 3], from[0]);
        let parameters: Vec<NodeId> = others.iter().map(|from| builder.operand(&[3], *from)).collect();
        let variance = builder.operand(&[3], from[1]);
        let inputs = [&[x], &parameters[..], &[variance]].concat();
        let result = builder.graph.add(ops::BatchNorm { epsilon: 0.5 }, &inputs, "result").unwrap();
        builder.graph.reveal(result, &builder.owners[..1], "kept").unwrap();
        // as it is lowered: only then has it an error bound
        builder.graph = optimize(&builder.graph).unwrap();
        let result = builder.graph.node(builder.graph.reveals()[0]).inputs[0];
        finish(builder, result, &format!("batch norm of {from:?} with {others:?}"));
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
fn packed_bits() {
    let build = |op: Op, shapes: &[&[usize]]| {
        let mut builder = Builder::new(3);
        let bits: Vec<NodeId> = shapes.iter().map(|shape| builder.packed(shape)).collect();
        let result = builder.graph.add(op.clone(), &bits, "result").unwrap();
        finish(builder, result, &format!("{} of packed bits of {shapes:?}", op.name()));
    };
    let two: &[&[usize]] = &[&[3, 40], &[40]];
    for op in [Op::from(ops::And {}), ops::Or {}.into(), ops::Xor {}.into(), ops::Equal {}.into()] {
        build(op, two);
    }
    build(ops::NotEqual {}.into(), &[&[3, 1], &[1, 40]]);
    build(ops::Select {}.into(), &[&[3, 40], &[40], &[3, 1]]);
    build(cast(DType::Int, ToWhole::Floor).into(), &[&[3, 40]]);
    // products of all sizes up to eight, and of more in levels
    for n in [1, 2, 3, 5, 8, 9, 21, 70] {
        build(ops::All { axes: vec![1], keepdims: false }.into(), &[&[30, n]]);
        build(ops::Any { axes: vec![0, 2], keepdims: true }.into(), &[&[2, 30, n]]);
    }
}

#[test]
fn packed_and_unpacked_bits_meet() {
    for from in ALL {
        for op in [Op::from(ops::And {}), ops::Or {}.into(), ops::Xor {}.into(), ops::Equal {}.into()] {
            for turned in [false, true] {
                let mut builder = Builder::new(3);
                let (a, b) = (builder.packed(&[3, 40]), builder.operand_of((&[40], DType::Bit), from));
                let inputs = if turned { [b, a] } else { [a, b] };
                let result = builder.graph.add(op.clone(), &inputs, "result").unwrap();
                finish(builder, result, &format!("{} with bits of {from:?}", op.name()));
            }
        }
    }
}

#[test]
fn selection_among_all_kinds() {
    for dtype in [DType::Int, DType::Bit] {
        for from in combinations(3) {
            let mut builder = Builder::new(11);
            let bit = builder.operand_of((&[2, 3], DType::Bit), from[0]);
            let [a, b] = [from[1], from[2]].map(|from| builder.operand_of((&[3], dtype), from));
            let select = builder.graph.add(ops::Select {}, &[bit, a, b], "select").unwrap();
            finish(builder, select, &format!("select of {dtype} {from:?}"));
        }
    }
}

#[test]
fn slices_at_secret_indices() {
    for (table, indices) in combinations(2).iter().map(|from| (from[0], from[1])) {
        for (axis, dtype) in [(0, DType::Fixed), (1, DType::Int), (1, DType::Bit)] {
            let mut builder = Builder::new(2);
            let table = builder.operand_of((&[5, 5, 2], dtype), table);
            let indices = builder.operand_of((&[3, 4], DType::Int), indices);
            let hot = builder.graph.add(ops::OneHot { depth: 5 }, &[indices], "hot").unwrap();
            let picked = builder.graph.add(ops::Pick { axis }, &[table, hot], "picked").unwrap();
            finish(builder, picked, &format!("slices of {dtype} along {axis}"));
        }
    }
}

/// The derivatives of operations that compare, with operands of any origin.
#[test]
fn derivatives_by_cases() {
    let pool = |kernel: usize, stride: usize| ops::MaxPool {
        kernel: vec![kernel; 2],
        stride: vec![stride; 2],
        pads_begin: vec![0, 1],
        pads_end: vec![1, 0],
        dilation: vec![1; 2],
        ceil_mode: false,
    };
    let image: &[usize] = &[1, 2, 5, 4];
    let operations: [(Op, &[usize]); 9] = [
        (ops::Relu.into(), &[7]),
        (ops::Abs.into(), &[7]),
        (ops::Clip { min: Some(-1.0), max: Some(2.5) }.into(), &[7]),
        (ops::Max { axis: 1, keepdims: false }.into(), &[2, 11]),
        (ops::Min { axis: 0, keepdims: true }.into(), &[6, 2]),
        (ops::Sort { axis: 0, descending: true }.into(), &[5, 2]),
        (pool(2, 2).into(), image),
        (pool(3, 1).into(), image),
        (ops::ReluMaxPool { pool: pool(3, 2) }.into(), image),
    ];
    for (op, shape) in operations {
        for from in combinations(2) {
            let mut builder = Builder::new(5);
            let x = builder.operand(shape, from[0]);
            let y = builder.graph.add(op.clone(), &[x], "").unwrap();
            let of_y = builder.graph.node(y).ty.shape.clone();
            let factor = builder.operand(&of_y, from[1]);
            derivative(builder, (y, factor), x, &format!("derivative of {} of {from:?}", op.name()));
        }
    }
    for op in [Op::from(ops::Maximum), ops::Minimum.into()] {
        for from in combinations(3) {
            let mut builder = Builder::new(6);
            let (a, b) = (builder.operand(&[2, 3], from[0]), builder.operand(&[3], from[1]));
            let y = builder.graph.add(op.clone(), &[a, b], "").unwrap();
            let factor = builder.operand(&[2, 3], from[2]);
            derivative(builder, (y, factor), b, &format!("derivative of {} of {from:?}", op.name()));
        }
    }
}

/// The derivative of the sum of the product of two.
fn derivative(mut builder: Builder, (y, factor): (NodeId, NodeId), of: NodeId, what: &str) {
    let product = builder.graph.add(ops::Mul, &[y, factor], "").unwrap();
    let axes = (0..builder.graph.node(y).ty.rank()).collect();
    let loss = builder.graph.add(ops::Sum { axes, keepdims: false }, &[product], "").unwrap();
    let derivative = tacita_graph::grad(&mut builder.graph, loss, &[of]).unwrap()[0];
    finish(builder, derivative, what);
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
    let ring = |n: &&tacita_program::RingNode| matches!(n.ty, RingType::Ring { .. });
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
    let shape = dims(&[1 << 13, 3 << 12]);
    let x = builder.graph.input("x", &shape, alice, Role::Data).unwrap();
    let y = builder.graph.input("y", &shape, bob, Role::Data).unwrap();
    let relu = builder.graph.add(ops::Maximum {}, &[x, y], "the larger").unwrap();
    builder.graph.reveal(relu, &builder.owners[..1], "result").unwrap();
    let program =
        std::sync::Arc::new(tacita_graph::lower(&builder.graph, PRECISION, &tacita_mpc::TARGET).unwrap());
    let names = ["alice".to_owned(), "bob".to_owned()];
    let refused = tacita_mpc::Plan::new(program, &names, std::collections::BTreeMap::new());
    let message =
        refused.err().expect("a comparison of 100 million elements deals too much at once").to_string();
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
        let program =
            std::sync::Arc::new(tacita_graph::lower(&builder.graph, PRECISION, &tacita_mpc::TARGET).unwrap());
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
    assert_eq!(costs(ops::Relu {}, N, &[&[N]]), (3, 3.375, 55.125), "the opening counts at the product");
    // the four candidates are slices that are opened here, in one round of 4 · 8 bytes
    assert_eq!(costs(ops::Max { axis: 0, keepdims: false }, N, &[&[4, N]]), (1 + 4, 32.0 + 26.0, 360.75));
    // an equality and an exact floor open their inputs here, for 8 bytes and a round
    assert_eq!(costs(ops::Equal {}, N, &[&[N], &[N]]), (3, 8.0 + 2.5, 36.875));
    assert_eq!(costs(ops::Floor {}, N, &[&[N]]), (3, 3.0, 33.875), "the opening counts at the product");
}

#[test]
fn a_tournament_takes_four_rounds_a_level() {
    for (n, levels) in [(2, 1), (4, 1), (5, 2), (16, 2), (17, 3), (64, 3), (65, 4)] {
        for op in [
            Op::from(ops::Max { axis: 0, keepdims: false }),
            ops::ArgMax { axis: 0, keepdims: false }.into(),
            ops::ArgMin { axis: 0, keepdims: false }.into(),
        ] {
            let mut builder = Builder::new(1);
            let x = builder.operand(&[n, 2], From::Secret);
            let best = builder.graph.add(op, &[x], "best").unwrap();
            builder.graph.reveal(best, &builder.owners[..1], "reveal").unwrap();
            let rounds = Case::new(&builder.graph, 2, PRECISION).plan.rounds();
            assert!(rounds <= 4 * levels + 2, "{rounds} rounds for {n} values");
        }
    }
}
