//! Derivatives against finite differences of `plain`: of each operation, of functions, of random graphs.

use ndarray::{ArrayD, IxDyn};
use tacita_graph::functions::{self, ConvTranspose, Norm};
use tacita_graph::ops::*;
use tacita_graph::testing::{Random, random_case};
use tacita_graph::{
    Graph, GraphError, Inputs, Kind, Nearest, NodeId, Role, Visibility, dims, encode_every_leaf,
    error_bounds, fixed, grad, lower, optimize, plain, plain_all,
};

/// The step of central differences h. Their error is h²/6 times the third derivative, and 2^-52/h times the loss.
const STEP: f64 = 1e-4;

/// A graph with inputs between -2 and 2, or 0.5 and 2, a loss, and what its derivative is with respect to.
struct Setting {
    graph: Graph,
    inputs: Inputs,
    random: Random,
    positive: bool,
}

impl Setting {
    fn new(seed: u64) -> Setting {
        let mut graph = Graph::new();
        graph.owner("alice");
        graph.owner("bob");
        Setting { graph, inputs: Inputs::new(), random: Random::new(seed), positive: false }
    }

    fn input(&mut self, shape: &[usize]) -> NodeId {
        let name = format!("x{}", self.inputs.len());
        self.named(&name, shape)
    }

    fn named(&mut self, name: &str, shape: &[usize]) -> NodeId {
        let data = ArrayD::from_shape_simple_fn(IxDyn(shape), || match self.positive {
            true => 0.5 + 1.5 * self.random.unit(),
            false => 4.0 * self.random.unit() - 2.0,
        });
        self.inputs.insert(name.to_owned(), data);
        self.graph.input(name, &dims(shape), Visibility::Secret, Role::Data).unwrap()
    }

    /// A loss to which every element of y counts differently.
    fn loss(&mut self, y: NodeId) -> NodeId {
        let shape = self.graph.node(y).ty.sizes().unwrap();
        let weights = self.named(&format!("weight of {}", self.inputs.len()), &shape);
        let weighted = self.graph.add(Mul, &[y, weights], "").unwrap();
        let axes = (0..shape.len()).collect();
        self.graph.add(Sum { axes, keepdims: false }, &[weighted], "loss").unwrap()
    }

    /// Compares the derivatives of `loss` with respect to these inputs with finite differences, and their fixed point with
    /// them.
    fn check(&mut self, loss: NodeId, of: &[NodeId], what: &str) {
        let derivatives = grad(&mut self.graph, loss, of).unwrap_or_else(|error| panic!("{what}: {error}"));
        private(&self.graph, &self.inputs, &derivatives, what);
        let values = plain_all(&self.graph, &self.inputs).unwrap();
        for (x, derivative) in of.iter().zip(derivatives) {
            let name = self.graph.node(*x).name.clone();
            let got = &values[derivative.index()];
            assert_eq!(got.shape(), self.inputs[&name].shape(), "{what}");
            for (at, got) in got.iter().enumerate() {
                let at_step = |step: f64| {
                    let mut inputs = self.inputs.clone();
                    *inputs.get_mut(&name).unwrap().iter_mut().nth(at).unwrap() += step;
                    plain_all(&self.graph, &inputs).unwrap()[loss.index()].iter().next().copied().unwrap()
                };
                let (above, below) = (at_step(STEP), at_step(-STEP));
                let here = at_step(0.0);
                let expected = (above - below) / (2.0 * STEP);
                // at a kink the two sides' slopes differ, and the derivative is between them
                let sides = [(above - here) / STEP, (here - below) / STEP];
                let kink = (sides[0] - sides[1]).abs();
                let bound = 1e-5 * (1.0 + expected.abs() + here.abs()) + kink;
                assert!((got - expected).abs() <= bound, "{what}: {got} for {expected} at {at} of {name}");
            }
        }
    }
}

/// Compares what these nodes are in fixed point with what they are in f64, within the error model; rewriting changes neither.
fn private(graph: &Graph, inputs: &Inputs, nodes: &[NodeId], what: &str) {
    let mut graph = graph.clone();
    let alice = graph.owner("alice");
    for &id in nodes {
        graph.reveal(id, &[alice], "").unwrap();
    }
    let graph = graph.prune().unwrap();
    let exact = plain(&graph, inputs).unwrap();
    let graph = optimize(&graph).unwrap_or_else(|error| panic!("{what}: {error}"));
    let rewritten = plain(&graph, inputs).unwrap();
    for (exact, rewritten) in exact.values().zip(rewritten.values()) {
        for (exact, rewritten) in exact.iter().zip(rewritten) {
            let apart = (exact - rewritten).abs();
            // f64, and constants that a file may have in f32
            assert!(apart <= 1e-6 * (1.0 + exact.abs()), "{what}: {exact} is {rewritten} when rewritten");
        }
    }
    let program = lower(&graph, 16).unwrap_or_else(|error| panic!("{what}: {error}"));
    let leaves = encode_every_leaf(&graph, &program, inputs).unwrap();
    let values = fixed(&program, &leaves, &mut Nearest);
    let bounds = error_bounds(&graph, inputs, 16).unwrap();
    for id in program.reveals() {
        let node = program.node(id);
        let got = values[id.index()].to_f64(node.kind);
        for ((got, exact), bound) in got.iter().zip(&rewritten[&node.origin]).zip(&bounds[&node.origin]) {
            let (got, exact, bound) = (*got, *exact, *bound);
            assert!((got - exact).abs() <= bound, "{what}: {got} in fixed point, {exact}, bound {bound}");
        }
    }
}

/// One operation on inputs of these shapes.
fn check(op: impl Into<Op>, shapes: &[&[usize]]) {
    check_in(op.into(), shapes, false);
}

fn check_in(op: Op, shapes: &[&[usize]], positive: bool) {
    for seed in 0..3 {
        let mut s = Setting::new(seed);
        s.positive = positive;
        let x: Vec<NodeId> = shapes.iter().map(|shape| s.input(shape)).collect();
        let y = s.graph.add(op.clone(), &x, "y").unwrap();
        let loss = s.loss(y);
        s.check(loss, &x, op.name());
    }
}

/// What a function adds.
fn function(
    what: &str,
    shapes: &[&[usize]],
    positive: bool,
    f: impl Fn(&mut Graph, &[NodeId]) -> Result<NodeId, GraphError>,
) {
    let mut s = Setting::new(9);
    s.positive = positive;
    let x: Vec<NodeId> = shapes.iter().map(|shape| s.input(shape)).collect();
    let y = f(&mut s.graph, &x).unwrap();
    let loss = s.loss(y);
    s.check(loss, &x, what);
}

#[test]
fn of_elementwise_operations() {
    let (wide, row): (&[usize], &[usize]) = (&[2, 3], &[3]);
    check(Add, &[wide, row]);
    check(Sub, &[row, wide]);
    check(Mul, &[wide, row]);
    check(Neg, &[wide]);
    check(Maximum, &[wide, row]);
    check(Minimum, &[row, wide]);
    for op in
        [Relu.into(), Abs.into(), Sigmoid.into(), Tanh.into(), Erf.into(), Op::from(Gelu { tanh: false })]
    {
        check(op, &[wide]);
    }
    for op in
        [Gelu { tanh: true }.into(), Silu.into(), Softplus.into(), Sin.into(), Cos.into(), Op::from(Exp)]
    {
        check(op, &[wide]);
    }
    check(Clip { min: Some(-0.5), max: Some(0.75) }, &[wide]);
    check(Clip { min: None, max: Some(0.75) }, &[wide]);
    check(Precision { bits: 24 }, &[wide]);
    for op in [Log.into(), Sqrt.into(), Rsqrt.into(), Op::from(Reciprocal)] {
        check_in(op, &[wide], true);
    }
    check_in(Div.into(), &[wide, row], true);
}

#[test]
fn of_products() {
    check(MatMul, &[&[2, 3], &[3, 4]]);
    check(MatMul, &[&[2, 1, 2, 3], &[5, 3, 2]]);
    let conv = |stride: &[usize], begin: &[usize], end: &[usize], dilation: &[usize], groups| Conv {
        stride: stride.to_vec(),
        pads_begin: begin.to_vec(),
        pads_end: end.to_vec(),
        dilation: dilation.to_vec(),
        groups,
    };
    check(conv(&[1, 1], &[0, 0], &[0, 0], &[1, 1], 1), &[&[2, 2, 5, 4], &[3, 2, 3, 2], &[3]]);
    check(conv(&[2, 3], &[1, 0], &[2, 1], &[1, 1], 1), &[&[2, 2, 6, 7], &[3, 2, 3, 2]]);
    check(conv(&[2, 1], &[0, 2], &[1, 0], &[2, 1], 2), &[&[2, 4, 8, 3], &[6, 2, 2, 3], &[6]]);
    check(conv(&[1], &[1], &[1], &[1], 3), &[&[1, 3, 6], &[3, 1, 3]]);
    check(conv(&[3], &[0], &[0], &[2], 1), &[&[2, 1, 9], &[2, 1, 2]]);
}

#[test]
fn of_reductions_and_windows() {
    let shape: &[usize] = &[2, 3, 4];
    for keepdims in [false, true] {
        check(Sum { axes: vec![0, 2], keepdims }, &[shape]);
        check(Mean { axes: vec![1], keepdims }, &[shape]);
        check(Max { axis: 1, keepdims }, &[shape]);
        check(Min { axis: 2, keepdims }, &[shape]);
        check(LogSumExp { axis: 1, keepdims }, &[shape]);
    }
    check(Softmax { axis: 2 }, &[shape]);
    check(LogSoftmax { axis: 1 }, &[shape]);
    check(Normalize { axes: vec![1, 2], epsilon: 0.1, centre: true }, &[shape]);
    check(Normalize { axes: vec![2], epsilon: 0.1, centre: false }, &[shape]);
    let pool = |kernel: [usize; 2], stride: [usize; 2], begin: [usize; 2], end: [usize; 2]| MaxPool {
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        pads_begin: begin.to_vec(),
        pads_end: end.to_vec(),
        dilation: vec![1, 1],
        ceil_mode: false,
    };
    let image: &[usize] = &[2, 2, 5, 6];
    for pool in [
        pool([2, 2], [2, 2], [0, 0], [0, 0]),
        pool([3, 2], [1, 2], [1, 0], [1, 1]),
        MaxPool { ceil_mode: true, dilation: vec![2, 1], ..pool([2, 3], [2, 2], [0, 1], [0, 0]) },
    ] {
        check(pool.clone(), &[image]);
        check(ReluMaxPool { pool }, &[image]);
    }
    for count_include_pad in [false, true] {
        let average = AveragePool {
            kernel: vec![3, 2],
            stride: vec![2, 1],
            pads_begin: vec![1, 0],
            pads_end: vec![0, 1],
            ceil_mode: true,
            count_include_pad,
        };
        check(average, &[image]);
    }
    let batch_norm = BatchNorm { epsilon: 0.1 };
    check_in(batch_norm.into(), &[&[2, 3, 4], &[3], &[3], &[3], &[3]], true);
}

#[test]
fn of_what_moves_elements() {
    let shape: &[usize] = &[2, 3];
    check(Reshape { shape: dims(&[6]) }, &[shape]);
    check(Transpose { perm: vec![2, 0, 1] }, &[&[2, 3, 4]]);
    check(Concat { axis: 1 }, &[shape, &[2, 1], shape]);
    check(Slice { starts: vec![0, 1], ends: vec![2, 6], steps: vec![1, 2] }, &[&[2, 7]]);
    check(Pad { before: vec![0, 1], after: vec![2, 0], value: 1.0 }, &[shape]);
    check(Expand { shape: dims(&[4, 2, 3]) }, &[&[2, 1]]);
    check(Gather { axis: 1, indices: vec![2, Gather::ZERO, 0, 2] }, &[shape]);
    check(Gather { axis: 1, indices: vec![2, 0] }, &[shape]);
    check(Combine { axis: 1, rows: vec![vec![(0, 0.5), (2, 0.25)], vec![], vec![(0, -1.0)]] }, &[shape]);
    for (exclusive, reverse) in [(false, false), (true, false), (false, true), (true, true)] {
        check(CumSum { axis: 1, exclusive, reverse }, &[shape]);
    }
    for descending in [false, true] {
        check(Sort { axis: 0, descending }, &[&[4, 3]]);
        check(Sort { axis: 1, descending }, &[&[2, 4, 2]]);
    }
    let mut s = Setting::new(1);
    let (a, b) = (s.input(&[2, 3]), s.input(&[3]));
    let bit = s.graph.add(Less, &[a, b], "").unwrap();
    let y = s.graph.add(Select, &[bit, a, b], "").unwrap();
    let loss = s.loss(y);
    s.check(loss, &[a, b], "Select");
    let mut s = Setting::new(2);
    let (table, scores) = (s.input(&[2, 4, 3]), s.input(&[5, 4]));
    let best = s.graph.add(ArgMax { axis: 1, keepdims: false }, &[scores], "").unwrap();
    let hot = s.graph.add(OneHot { depth: 4 }, &[best], "").unwrap();
    let y = s.graph.add(Pick { axis: 1 }, &[table, hot], "").unwrap();
    let loss = s.loss(y);
    s.check(loss, &[table], "Pick");
}

#[test]
fn of_functions() {
    let shape: &[usize] = &[3, 4];
    function("softmax", &[&[2, 3, 2]], false, |g, x| functions::softmax(g, x[0], &[1, 2], false, ""));
    function("layer_norm", &[shape, &[4], &[4]], false, |g, x| {
        functions::layer_norm(g, x[0], &[-1], Some(x[1]), Some(x[2]), 0.1, "")
    });
    function("rms_norm", &[shape, &[4]], false, |g, x| {
        functions::rms_norm(g, x[0], &[-1], Some(x[1]), 0.1, "")
    });
    function("leaky_relu", &[shape], false, |g, x| functions::leaky_relu(g, x[0], 0.1, ""));
    function("elu", &[shape], false, |g, x| functions::elu(g, x[0], 1.5, ""));
    function("hardswish", &[shape], false, |g, x| functions::hardswish(g, x[0], ""));
    function("mish", &[shape], false, |g, x| functions::mish(g, x[0], ""));
    function("softsign", &[shape], false, |g, x| functions::softsign(g, x[0], ""));
    function("norm", &[shape], true, |g, x| functions::norm(g, x[0], Norm::Two, &[1], false, ""));
    function("einsum", &[shape, &[4, 2]], false, |g, x| functions::einsum(g, "ij,jk->ki", x, ""));
    function("prod", &[shape], true, |g, x| functions::prod(g, x[0], &[1], false, ""));
    function("cum_prod", &[shape], true, |g, x| functions::cum_prod(g, x[0], 1, false, ""));
    function("adaptive_average_pool", &[&[1, 2, 5, 4]], false, |g, x| {
        functions::adaptive_average_pool(g, x[0], &[2, 3], "")
    });
    function("conv_transpose", &[&[2, 2, 3], &[2, 3, 2], &[3]], false, |g, x| {
        let attributes = ConvTranspose {
            stride: vec![2],
            pads_begin: vec![1],
            pads_end: vec![0],
            output_padding: vec![1],
            dilation: vec![1],
            groups: 1,
        };
        functions::conv_transpose(g, x[0], x[1], Some(x[2]), &attributes, "")
    });
    // what is dropped is the same in both passes
    function("dropout", &[shape], false, |g, x| functions::dropout(g, x[0], 0.5, ""));
}

#[test]
fn of_random_graphs() {
    let mut checked = 0;
    for seed in 0..1500 {
        let case = random_case(seed, 8);
        let mut s = Setting::new(seed);
        (s.graph, s.inputs) = (case.graph, case.inputs);
        let known = s.graph.reveals()[0];
        let y = s.graph.node(known).inputs[0];
        if s.graph.node(y).ty.kind != Kind::Fixed || s.graph.node(y).ty.visibility.is_clear() {
            continue;
        }
        let inputs: Vec<NodeId> =
            s.graph.inputs().into_iter().filter(|id| s.graph.node(*id).ty.kind == Kind::Fixed).collect();
        let loss = s.loss(y);
        for x in inputs {
            let mut copy = Setting { graph: s.graph.clone(), inputs: s.inputs.clone(), ..Setting::new(seed) };
            match grad(&mut copy.graph.clone(), loss, &[x]) {
                Err(GraphError::NoPath { .. } | GraphError::NoDerivative { .. }) => continue,
                Err(error) => panic!("{seed}: {error}"),
                Ok(_) => {}
            }
            if jumps(&copy, loss, x) {
                continue;
            }
            copy.check(loss, &[x], &format!("graph {seed}"));
            checked += 1;
        }
    }
    assert!(checked > 500, "{checked} derivatives were compared");
}

/// Whether the loss jumps, or bends sharply, within a step of some element: roundings, comparisons, ties.
fn jumps(s: &Setting, loss: NodeId, x: NodeId) -> bool {
    let name = &s.graph.node(x).name;
    let declared = |inputs: &Inputs| plain_all(&s.graph, inputs).ok();
    (0..s.inputs[name].len()).any(|at| {
        let at_step = |step: f64| {
            let mut inputs = s.inputs.clone();
            *inputs.get_mut(name).unwrap().iter_mut().nth(at).unwrap() += step;
            declared(&inputs).map(|values| *values[loss.index()].iter().next().unwrap())
        };
        let points: Option<Vec<f64>> =
            [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0].map(|k| at_step(k * STEP)).into_iter().collect();
        let Some(p) = points else { return true };
        let slopes = [(p[5] - p[0]) / 4.0, (p[4] - p[1]) / 2.0, p[3] - p[2], p[1] - p[0], p[5] - p[4]];
        let (low, high) =
            slopes.iter().fold((f64::MAX, f64::MIN), |(low, high), s| (low.min(*s), high.max(*s)));
        high - low > STEP * 1e-2 * (1.0 + high.abs() / STEP)
    })
}

#[test]
fn of_a_derivative() {
    // x³ has 6x
    let mut s = Setting::new(4);
    let x = s.input(&[3]);
    let square = s.graph.add(Mul, &[x, x], "").unwrap();
    let cube = s.graph.add(Mul, &[square, x], "").unwrap();
    let loss = s.loss(cube);
    let first = grad(&mut s.graph, loss, &[x]).unwrap()[0];
    let loss = s.loss(first);
    s.check(loss, &[x], "second derivative");
}

#[test]
fn errors_name_what_has_no_derivative() {
    let mut s = Setting::new(1);
    let x = s.input(&[4]);
    let y = s.graph.add(ArgMax { axis: 0, keepdims: false }, &[x], "best").unwrap();
    let y = s.graph.add(Cast { to: Kind::Fixed, rounding: ToWhole::Floor }, &[y], "number").unwrap();
    let error = grad(&mut s.graph, y, &[x]).unwrap_err().to_string();
    assert!(error.contains("\"x0\"") && error.contains("best (ArgMax)"), "{error}");
    let error = grad(&mut s.graph, x, &[x]).unwrap_err().to_string();
    assert!(error.contains("\"x0\" is no loss") && error.contains("[4]"), "{error}");
    let other = s.input(&[2]);
    let sum = s.graph.add(Sum { axes: vec![0], keepdims: false }, &[x], "sum").unwrap();
    let error = grad(&mut s.graph, sum, &[x, other]).unwrap_err().to_string();
    assert!(error.contains("\"x1\""), "{error}");
    let pool = MaxPoolGradient {
        pool: MaxPool {
            kernel: vec![2],
            stride: vec![2],
            pads_begin: vec![0],
            pads_end: vec![0],
            dilation: vec![1],
            ceil_mode: false,
        },
        relu: false,
    };
    let (image, g) = (s.input(&[1, 1, 4]), s.input(&[1, 1, 2]));
    let y = s.graph.add(pool, &[image, g], "routed").unwrap();
    let loss = s.loss(y);
    let error = grad(&mut s.graph, loss, &[g]).unwrap_err().to_string();
    assert!(error.contains("\"routed\"") && error.contains("MaxPoolGradient"), "{error}");
}

#[test]
fn of_a_perceptron_with_cross_entropy() {
    for seed in 0..20 {
        let mut s = Setting::new(seed);
        let (x, w, v, t) = (s.input(&[5, 4]), s.input(&[4, 6]), s.input(&[6, 3]), s.input(&[5, 3]));
        let z = s.graph.add(MatMul, &[x, w], "").unwrap();
        let h = s.graph.add(Relu, &[z], "").unwrap();
        let logits = s.graph.add(MatMul, &[h, v], "").unwrap();
        let normal = s.graph.add(LogSumExp { axis: 1, keepdims: true }, &[logits], "").unwrap();
        let chance = s.graph.add(Sub, &[logits, normal], "").unwrap();
        let chosen = s.graph.add(Mul, &[chance, t], "").unwrap();
        let loss = s.graph.add(Mean { axes: vec![0, 1], keepdims: false }, &[chosen], "").unwrap();
        s.check(loss, &[x, w, v], "perceptron");
    }
}
