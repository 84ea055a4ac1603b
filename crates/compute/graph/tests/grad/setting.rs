//! What is compared with what.

use ndarray::{ArrayD, IxDyn};
use tacita_graph::ops::{Mul, Op, Sum};
use tacita_graph::testing::Random;
use tacita_graph::testing::TARGET;
use tacita_graph::{
    Graph, GraphError, Inputs, Nearest, NodeId, Role, Visibility, dims, encode_every_leaf, error_bounds,
    fixed, grad, lower, optimize, plain, plain_all,
};

/// The step of central differences h. Their error is h²/6 times the third derivative, and 2^-52/h times the loss.
pub const STEP: f64 = 1e-4;

/// A graph with inputs between -2 and 2, or 0.5 and 2, a loss, and what its derivative is with respect to.
pub struct Setting {
    pub graph: Graph,
    pub inputs: Inputs,
    pub random: Random,
    pub positive: bool,
    /// Whether second derivatives may jump right here, as that of the square of max(x, 0) does at 0.
    pub ties: bool,
    /// Of inputs.
    pub visibility: Visibility,
}

impl Setting {
    pub fn new(seed: u64) -> Setting {
        let mut graph = Graph::new();
        graph.owner("alice");
        graph.owner("bob");
        Setting {
            graph,
            inputs: Inputs::new(),
            random: Random::new(seed),
            positive: false,
            ties: false,
            visibility: Visibility::Secret,
        }
    }

    pub fn input(&mut self, shape: &[usize]) -> NodeId {
        let name = format!("x{}", self.inputs.len());
        self.named(&name, shape)
    }

    pub fn named(&mut self, name: &str, shape: &[usize]) -> NodeId {
        let data = ArrayD::from_shape_simple_fn(IxDyn(shape), || match self.positive {
            true => 0.5 + 1.5 * self.random.unit(),
            false => 4.0 * self.random.unit() - 2.0,
        });
        self.inputs.insert(name.to_owned(), data);
        self.graph.input(name, &dims(shape), self.visibility, Role::Data).unwrap()
    }

    /// A loss to which every element of y counts differently.
    pub fn loss(&mut self, y: NodeId) -> NodeId {
        let shape = self.graph.node(y).ty.shape.clone();
        let weights = self.named(&format!("weight of {}", self.inputs.len()), &shape);
        let weighted = self.graph.add(Mul, &[y, weights], "").unwrap();
        let axes = (0..shape.len()).collect();
        self.graph.add(Sum { axes, keepdims: false }, &[weighted], "loss").unwrap()
    }

    /// Compares the derivatives of `loss` with respect to these inputs with finite differences, and their fixed point with
    /// them.
    pub fn check(&mut self, loss: NodeId, of: &[NodeId], what: &str) {
        let certain = self.compare(loss, of, what);
        assert!(certain > 0.5, "{what}: the error model says something of {certain} of the elements");
    }

    /// The same; the share of elements of which the error model says something.
    pub fn compare(&mut self, loss: NodeId, of: &[NodeId], what: &str) -> f64 {
        let derivatives = grad(&mut self.graph, loss, of).unwrap_or_else(|error| panic!("{what}: {error}"));
        let certain = private(&self.graph, &self.inputs, &derivatives, what);
        let values = plain_all(&self.graph, &self.inputs).unwrap();
        for (x, derivative) in of.iter().zip(derivatives) {
            let name = self.graph.node(*x).name.clone();
            let got = &values[derivative.index()];
            assert_eq!(got.shape(), self.inputs[&name].shape(), "{what}");
            for (at, got) in got.iter().enumerate() {
                let at_step = |step: f64| {
                    let mut inputs = self.inputs.clone();
                    let mut data = inputs[&name].to_f64();
                    *data.iter_mut().nth(at).unwrap() += step;
                    inputs.insert(&name, data);
                    plain_all(&self.graph, &inputs).unwrap()[loss.index()].iter().next().copied().unwrap()
                };
                let here = at_step(0.0);
                let sides = |step: f64| [(at_step(step) - here) / step, (here - at_step(-step)) / step];
                let [above, below] = sides(STEP);
                let expected = (above + below) / 2.0;
                // the slopes of the two sides differ by h times the second derivative where smooth, half as much for half
                // the step; at a kink as much for any step, and the derivative is between them
                let [nearer_above, nearer_below] = sides(STEP / 2.0);
                let apart = (above - below).abs();
                let kink = (2.0 * (nearer_above - nearer_below) - (above - below)).abs();
                let kink = if self.ties { kink + apart } else { kink };
                // third derivatives up to 600, as of 1/x² near 1/2, and losses up to 10^5
                let bound = 1e-6 * (1.0 + expected.abs()) + 1e-11 * here.abs() + kink;
                assert!((got - expected).abs() <= bound, "{what}: {got} for {expected} at {at} of {name}");
            }
        }
        certain
    }
}

/// Compares what these nodes are in fixed point with what they are in f64, within the error model; rewriting changes neither.
/// The share of elements of which the model says something.
pub fn private(graph: &Graph, inputs: &Inputs, nodes: &[NodeId], what: &str) -> f64 {
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
    let program = lower(&graph, 16, &TARGET).unwrap_or_else(|error| panic!("{what}: {error}"));
    let leaves = encode_every_leaf(&graph, &program, inputs).unwrap();
    let values = fixed(&program, &leaves, &mut Nearest);
    let bounds = error_bounds(&graph, inputs, 16).unwrap();
    let (mut all, mut certain) = (0, 0);
    for id in program.reveals() {
        let node = program.node(id);
        let got = values[id.index()].to_f64(node.ty);
        for ((got, exact), bound) in got.iter().zip(&rewritten[&node.origin]).zip(&bounds[&node.origin]) {
            let (got, exact, bound) = (*got, *exact, *bound);
            assert!((got - exact).abs() <= bound, "{what}: {got} in fixed point, {exact}, bound {bound}");
            all += 1;
            certain += usize::from(bound < 0.1 * (1.0 + exact.abs()));
        }
    }
    f64::from(certain as u32) / f64::from(all as u32)
}

/// One operation on inputs of these shapes.
pub fn check(op: impl Into<Op>, shapes: &[&[usize]]) {
    check_in(op.into(), shapes, false);
}

pub fn check_in(op: Op, shapes: &[&[usize]], positive: bool) {
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
pub fn function(
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
