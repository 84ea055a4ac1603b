//! What a graph accepts, lowering can compute: every operation, of operands of every kind and visibility.
//!
//! Either the builder refuses at once, in words that name operation and operand, or the graph is lowered, and what the ring
//! program computes is within the error bound of `plain`. Nothing is left for lowering to refuse but numbers that the
//! precision cannot carry.

use std::collections::BTreeSet;

use ndarray::{ArrayD, IxDyn};
use tacita_graph::ops::{Floor, *};
use tacita_graph::testing::Random;
use tacita_graph::testing::TARGET;
use tacita_graph::*;

const KINDS: [DType; 3] = [DType::Fixed, DType::Int, DType::Bit];

/// Where an operand comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Public,
    Alice,
    Bob,
    /// A sum of alice's and bob's; of bits, whether both are 1.
    Secret,
    /// Shares of an earlier evaluation.
    Shares,
}

const FROM: [From; 5] = [From::Public, From::Alice, From::Bob, From::Secret, From::Shares];

/// Every operation once or more, with the shapes of its operands.
fn operations() -> Vec<(Op, Vec<Vec<usize>>)> {
    let one = |op: Op| (op, vec![vec![2, 3]]);
    let two = |op: Op| (op, vec![vec![2, 3], vec![3]]);
    let (axis, keepdims, axes) = (1, false, || vec![1]);
    let cast = |to| Cast { to, rounding: ToWhole::Nearest };
    let window = || (vec![2], vec![1], vec![0], vec![1]);
    let (kernel, stride, pads_begin, pads_end) = window();
    let max_pool = MaxPool { kernel, stride, pads_begin, pads_end, dilation: vec![1], ceil_mode: false };
    let (kernel, stride, pads_begin, pads_end) = window();
    let average_pool =
        AveragePool { kernel, stride, pads_begin, pads_end, ceil_mode: false, count_include_pad: true };
    let (_, stride, pads_begin, pads_end) = window();
    let conv = Conv { stride, pads_begin, pads_end, dilation: vec![1], groups: 1 };
    let line = vec![1, 2, 5];
    let image = |bias: bool| {
        let mut shapes = vec![line.clone(), vec![3, 2, 2]];
        shapes.extend(bias.then(|| vec![3]));
        shapes
    };
    let rows = vec![vec![(0, 0.5), (2, 1.0 / 3.0)], vec![]];
    vec![
        (Constant { shape: dims(&[2]), value: 0.5 }.into(), vec![]),
        two(Add.into()),
        two(Sub.into()),
        two(Mul.into()),
        one(Neg.into()),
        (MatMul.into(), vec![vec![2, 3], vec![3, 2]]),
        (conv.clone().into(), image(false)),
        (conv.into(), image(true)),
        one(Sum { axes: axes(), keepdims }.into()),
        one(Mean { axes: axes(), keepdims }.into()),
        (average_pool.into(), vec![line.clone()]),
        (max_pool.clone().into(), vec![line.clone()]),
        (ReluMaxPool { pool: max_pool.clone() }.into(), vec![line.clone()]),
        one(Reshape { shape: dims(&[6]) }.into()),
        one(Transpose { perm: vec![1, 0] }.into()),
        (Concat { axis }.into(), vec![vec![2, 3], vec![2, 1]]),
        one(Slice { starts: vec![0, 1], ends: vec![2, 3], steps: vec![1, 2] }.into()),
        one(Pad { before: vec![0, 1], after: vec![1, 0], value: 0.0 }.into()),
        one(Pad { before: vec![0, 1], after: vec![1, 0], value: 1.0 }.into()),
        one(Pad { before: vec![0, 1], after: vec![1, 0], value: 0.5 }.into()),
        one(Expand { shape: dims(&[2, 2, 3]) }.into()),
        one(Relu.into()),
        one(Clip { min: Some(0.75), max: Some(1.25) }.into()),
        (BatchNorm { epsilon: 0.5 }.into(), vec![vec![2, 3], vec![3], vec![3], vec![3], vec![3]]),
        one(Max { axis, keepdims }.into()),
        one(Min { axis, keepdims }.into()),
        one(ArgMax { axis, keepdims }.into()),
        one(ArgMin { axis, keepdims }.into()),
        two(Maximum.into()),
        two(Minimum.into()),
        two(Less.into()),
        two(Greater.into()),
        two(LessEqual.into()),
        two(GreaterEqual.into()),
        two(Equal.into()),
        two(NotEqual.into()),
        one(Not.into()),
        two(And.into()),
        two(Or.into()),
        two(Xor.into()),
        one(Any { axes: axes(), keepdims }.into()),
        one(All { axes: axes(), keepdims }.into()),
        (Select.into(), vec![vec![2, 1], vec![2, 3], vec![3]]),
        one(Softmax { axis }.into()),
        one(LogSoftmax { axis }.into()),
        one(LogSumExp { axis, keepdims }.into()),
        one(Normalize { axes: axes(), epsilon: 0.5, centre: true }.into()),
        one(Sqrt.into()),
        one(Reciprocal.into()),
        one(Rsqrt.into()),
        one(Log.into()),
        one(Exp.into()),
        two(Div.into()),
        one(Sigmoid.into()),
        one(Tanh.into()),
        one(Erf.into()),
        one(Gelu { tanh: false }.into()),
        one(Silu.into()),
        one(Softplus.into()),
        one(Sin.into()),
        one(Cos.into()),
        one(Gather { axis, indices: vec![2, Gather::ZERO, 0] }.into()),
        one(Combine { axis, rows }.into()),
        one(CumSum { axis, exclusive: true, reverse: true }.into()),
        one(Abs.into()),
        one(Sign.into()),
        one(cast(DType::Fixed).into()),
        one(cast(DType::Int).into()),
        one(cast(DType::Bit).into()),
        one(Floor.into()),
        one(Ceil.into()),
        one(Round.into()),
        one(Sort { axis, descending: false }.into()),
        one(ArgSort { axis, descending: true }.into()),
        (Sort { axis: 0, descending: true }.into(), vec![vec![1025]]),
        (ArgSort { axis: 0, descending: false }.into(), vec![vec![1025]]),
        one(OneHot { depth: 3 }.into()),
        (Pick { axis }.into(), vec![vec![2, 3], vec![2, 3]]),
        one(Precision { bits: 24 }.into()),
        one(Precision { bits: 8 }.into()),
        (Uniform { shape: dims(&[3]), low: -1.0, high: 2.0, draw: 0 }.into(), vec![]),
        (Bernoulli { shape: dims(&[3]), probability: 0.25, draw: 0 }.into(), vec![]),
        one(Reveal { to: vec![Owner(0)] }.into()),
        one(Keep.into()),
        (ReluGradient.into(), vec![vec![2, 3], vec![2, 3]]),
        (MaxPoolGradient { pool: max_pool.clone(), relu: false }.into(), vec![line.clone(), line.clone()]),
        (MaxPoolGradient { pool: max_pool.clone(), relu: true }.into(), vec![line.clone(), line.clone()]),
    ]
}

/// A graph of operands, with data that every function is defined for.
struct Operands {
    graph: Graph,
    owners: [Owner; 2],
    inputs: Inputs,
    random: Random,
}

impl Operands {
    fn new() -> Self {
        let mut graph = Graph::new();
        let owners = [graph.owner("alice"), graph.owner("bob")];
        Operands { graph, owners, inputs: Inputs::new(), random: Random::new(5) }
    }

    fn input(&mut self, shape: &[usize], dtype: DType, visibility: Visibility) -> NodeId {
        let name = format!("x{}", self.inputs.len());
        let mut at = 0;
        let data = ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            at += 1;
            match dtype {
                DType::Fixed => 0.5 + 1.5 * self.random.unit(),
                DType::Int => self.random.below(3) as f64,
                // two rows of three have one each, as `Pick` wants
                DType::Bit => f64::from(u8::from(at % 4 == 1)),
            }
        });
        self.inputs.insert(name.clone(), data);
        self.graph.input_of(&name, &dims(shape), visibility, Role::Data, dtype).unwrap()
    }

    fn add(&mut self, shape: &[usize], dtype: DType, from: From) -> NodeId {
        let [alice, bob] = self.owners.map(Visibility::Private);
        match from {
            From::Public => self.input(shape, dtype, Visibility::Public),
            From::Alice => self.input(shape, dtype, alice),
            From::Bob => self.input(shape, dtype, bob),
            From::Shares => self.input(shape, dtype, Visibility::Secret),
            From::Secret => {
                let parts = [self.input(shape, dtype, alice), self.input(shape, dtype, bob)];
                let op: Op = if dtype == DType::Bit { And.into() } else { Add.into() };
                self.graph.add(op, &parts, "").unwrap()
            }
        }
    }
}

/// All lists of `count` of these.
fn lists<T: Copy>(of: &[T], count: usize) -> Vec<Vec<T>> {
    let at = |n: usize, i: usize| of[n / of.len().pow(i as u32) % of.len()];
    (0..of.len().pow(count as u32)).map(|n| (0..count).map(|i| at(n, i)).collect()).collect()
}

/// Lowers the graph that reveals `y` and compares with `plain`.
fn compute(mut operands: Operands, y: NodeId, what: &str) {
    if matches!(operands.graph.node(y).op, Op::Keep(_)) {
        let kept = operands.graph.node(y).inputs[0];
        operands.graph.reveal(kept, &operands.owners, "answer").unwrap();
    } else if !operands.graph.node(y).op.is_end() {
        operands.graph.reveal(y, &operands.owners, "answer").unwrap();
    }
    let graph = optimize(&operands.graph).unwrap();
    let program = lower(&graph, 16, &TARGET).unwrap_or_else(|error| panic!("{what}: {error}"));
    let leaves = encode_every_leaf(&graph, &program, &operands.inputs).unwrap();
    let values = fixed(&program, &leaves, &mut Nearest);
    let reveal = program.reveals()[0];
    let got = values[reveal.index()].to_f64(program.node(reveal).ty);
    let expected = plain(&graph, &operands.inputs).unwrap().into_values().next().unwrap();
    let bounds = error_bounds(&graph, &operands.inputs, 16).unwrap().into_values().next().unwrap();
    assert_eq!(got.shape(), expected.shape(), "{what}");
    for ((got, expected), bound) in got.iter().zip(&expected).zip(&bounds) {
        assert!((got - expected).abs() <= bound + 1e-9, "{what}: {got} for {expected}, bound {bound}");
    }
}

#[test]
fn what_is_accepted_can_be_lowered() {
    let mut names = BTreeSet::from(["Input"]);
    let (mut computed, mut refused) = (0, BTreeSet::new());
    for (op, shapes) in operations() {
        names.insert(op.name());
        let mut any = false;
        for kinds in lists(&KINDS, shapes.len()) {
            for from in lists(&FROM, shapes.len()) {
                let what = format!("{} of {kinds:?} {from:?}", op.name());
                let mut operands = Operands::new();
                let ids: Vec<NodeId> =
                    (0..shapes.len()).map(|i| operands.add(&shapes[i], kinds[i], from[i])).collect();
                match operands.graph.add(op.clone(), &ids, "top") {
                    Ok(y) => {
                        compute(operands, y, &what);
                        (any, computed) = (true, computed + 1);
                    }
                    Err(GraphError::Invalid { node, op: named, source }) => {
                        assert_eq!((node.as_str(), named), ("top", op.name()));
                        let (InferError::DType { input, .. } | InferError::Visibility { input, .. }) = source
                        else {
                            // a fill value that the kind does not have
                            assert!(matches!(source, InferError::Attribute(_)), "{what}: {source}");
                            continue;
                        };
                        let ty = &operands.graph.node(ids[input]).ty;
                        match source {
                            InferError::Visibility { visibility, .. } => {
                                assert_eq!(visibility, ty.visibility);
                                assert!(source.to_string().contains(&visibility.to_string()));
                                refused.insert(op.name());
                            }
                            _ => assert!(source.to_string().contains(&ty.dtype.to_string())),
                        }
                        if matches!(source, InferError::DType { .. }) {
                            break; // whoever knows the operands
                        }
                    }
                    Err(error) => panic!("{what}: {error}"),
                }
            }
        }
        assert!(any, "{} is refused whatever its operands", op.name());
    }
    assert_eq!(names.len(), 79, "an operation is missing");
    assert!(computed > 2000, "{computed}");
    // too many to be sorted in secret, whose owner sorts them; comparisons that only shares make
    assert_eq!(refused, BTreeSet::from(["Sort", "ArgSort", "ReluGradient", "MaxPoolGradient"]));
}

#[test]
fn refusals_of_a_visibility_say_what_to_do() {
    let mut operands = Operands::new();
    let x = operands.add(&[1025], DType::Fixed, From::Secret);
    let error = operands.graph.add(Sort { axis: 0, descending: false }, &[x], "order").unwrap_err();
    let message = error.to_string();
    for part in ["\"order\"", "Sort", "input 0 is secret", "1025 values", "at most 1024", "sort parts"] {
        assert!(message.contains(part), "{message}");
    }
}
