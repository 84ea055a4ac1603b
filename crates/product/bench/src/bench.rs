//! How long operations take here: two parties and a dealer, real links.

use std::time::Instant;

use ndarray::{ArrayD, IxDyn};
use serde::Serialize;
use tacita_graph::ops::Input;
use tacita_graph::testing::Random;
use tacita_graph::{
    DType, Graph, GraphError, Inputs, Interval, NodeId, Op, Owner, Role, Visibility, dims, functions, ops,
    plain,
};

use super::cost::{Build, without_reveal};
use tacita::Error;
use tacita::Options;
use tacita::Session;
use tacita::Timeline;

/// Runs after the warm-up, of which the median is taken.
const RUNS: usize = 5;

/// Elements of elementwise operations.
const MILLION: usize = 1_000_000;

/// An operation that is timed.
pub struct Benchmark {
    /// Its name.
    pub name: &'static str,
    /// Its operands' shapes.
    pub shapes: &'static [&'static [usize]],
    /// Their kind.
    dtype: DType,
    /// Between which numbers they are.
    range: [f64; 2],
    build: Build,
}

/// The measurements of an operation.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The operation.
    pub op: &'static str,
    /// Elements of its first operand.
    pub elements: usize,
    /// The first operand's shape.
    pub shape: Vec<usize>,
    /// Rounds.
    pub rounds: u32,
    /// Payload that the party sends online that sends most, in bytes.
    pub online_bytes_per_party: u64,
    /// Payload that the dealer sends, in bytes.
    pub offline_bytes: u64,
    /// Offline and online, all parties and dealer, median.
    pub seconds: f64,
    /// Of them offline.
    pub offline_seconds: f64,
    /// The least and the most of the runs.
    pub spread: [f64; 2],
    /// In f64 by the `plain` evaluator, single-threaded, median.
    pub plain_seconds: f64,
}

fn one(graph: &mut Graph, op: impl Into<Op>, x: &[NodeId]) -> Result<NodeId, GraphError> {
    graph.add(op, x, "")
}

/// All that are timed.
pub const BENCHMARKS: &[Benchmark] = &[
    timed("mul", &[&[MILLION], &[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Mul, x)),
    timed("matmul", &[&[1024, 1024], &[1024, 1024]], [-1.0, 1.0], |g, x| one(g, ops::MatMul, x)),
    timed("conv", &[&[1, 64, 56, 56], &[64, 64, 3, 3]], [-1.0, 1.0], |g, x| {
        let ones = vec![1, 1];
        let conv = ops::Conv {
            stride: ones.clone(),
            pads_begin: ones.clone(),
            pads_end: ones.clone(),
            dilation: ones,
            groups: 1,
        };
        one(g, conv, x)
    }),
    timed("relu", &[&[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Relu, x)),
    timed("lt", &[&[MILLION], &[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Less, x)),
    timed("eq", &[&[MILLION], &[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Equal, x)),
    timed("exp", &[&[MILLION]], [-12.0, 0.0], |g, x| one(g, ops::Exp, x)),
    timed("exp (any sign)", &[&[MILLION]], [-12.0, 12.0], |g, x| one(g, ops::Exp, x)),
    timed("log", &[&[MILLION]], [0.1, 1000.0], |g, x| one(g, ops::Log, x)),
    timed("reciprocal", &[&[MILLION]], [0.1, 1000.0], |g, x| one(g, ops::Reciprocal, x)),
    timed("sqrt", &[&[MILLION]], [0.1, 1000.0], |g, x| one(g, ops::Sqrt, x)),
    timed("rsqrt", &[&[MILLION]], [0.1, 1000.0], |g, x| one(g, ops::Rsqrt, x)),
    timed("sigmoid", &[&[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Sigmoid, x)),
    timed("tanh", &[&[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Tanh, x)),
    timed("gelu", &[&[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Gelu { tanh: false }, x)),
    // what is drawn has no operand: the first says how much
    timed("uniform", &[&[MILLION]], [0.0, 1.0], |g, _| {
        functions::uniform(g, &dims(&[MILLION]), 0.0, 1.0, "")
    }),
    timed("normal", &[&[MILLION]], [0.0, 1.0], |g, _| functions::normal(g, &dims(&[MILLION]), 0.0, 1.0, "")),
    timed("dropout", &[&[MILLION]], [-8.0, 8.0], |g, x| functions::dropout(g, x[0], 0.1, "")),
    timed("softmax", &[&[12, 128, 128]], [-8.0, 8.0], |g, x| one(g, ops::Softmax { axis: 2 }, x)),
    timed("layer_norm", &[&[128, 768]], [-8.0, 8.0], |g, x| {
        one(g, ops::Normalize { axes: vec![1], epsilon: 1e-5, centre: true }, x)
    }),
    timed("max_pool", &[&[64, 1, 112, 112]], [-8.0, 8.0], |g, x| {
        let pool = ops::MaxPool {
            kernel: vec![3, 3],
            stride: vec![2, 2],
            pads_begin: vec![1, 1],
            pads_end: vec![1, 1],
            dilation: vec![1, 1],
            ceil_mode: false,
        };
        one(g, pool, x)
    }),
    timed("argmax", &[&[1000, 1000]], [-8.0, 8.0], |g, x| {
        one(g, ops::ArgMax { axis: 1, keepdims: false }, x)
    }),
    timed("topk", &[&[64, 256]], [-8.0, 8.0], |g, x| {
        let sorted = one(g, ops::Sort { axis: 1, descending: true }, x)?;
        functions::narrow(g, sorted, 1, 0, 10, "")
    }),
    timed("sort", &[&[64, 256]], [-8.0, 8.0], |g, x| one(g, ops::Sort { axis: 1, descending: false }, x)),
    indexed("embedding", &[&[128], &[TABLE, 64]], TABLE as f64, |g, x| {
        let bits = g.add(ops::OneHot { depth: TABLE }, &x[..1], "")?;
        g.add(ops::Pick { axis: 0 }, &[x[1], bits], "")
    }),
];

/// Rows of the table of `embedding`: a vocabulary.
const TABLE: usize = 1000;

const fn timed(
    name: &'static str,
    shapes: &'static [&'static [usize]],
    range: [f64; 2],
    build: Build,
) -> Benchmark {
    Benchmark { name, shapes, dtype: DType::Fixed, range, build }
}

/// Secret indices into a secret table, both of integers.
const fn indexed(
    name: &'static str,
    shapes: &'static [&'static [usize]],
    rows: f64,
    build: Build,
) -> Benchmark {
    Benchmark { name, shapes, dtype: DType::Int, range: [0.0, rows], build }
}

impl Benchmark {
    /// Its operands' shapes with every axis of this size; none if its axes differ.
    pub fn shapes_of(&self, size: usize) -> Option<Vec<Vec<usize>>> {
        let mut axes = self.shapes.iter().copied().flatten();
        let first = axes.next()?;
        axes.all(|axis| axis == first)
            .then(|| self.shapes.iter().map(|shape| vec![size; shape.len()]).collect())
    }
}

/// Times an operation on secrets, of these shapes or its own, from shares to shares: what two parties put in is added, and the
/// result kept in shares at the session's precision. Bits, which are not kept as such, are revealed. What the members did in
/// the last run is added to the timeline.
///
/// # Errors
/// If the session fails.
pub fn bench_operation(
    benchmark: &Benchmark,
    shapes: Option<&[Vec<usize>]>,
    options: &Options,
    timeline: &mut Timeline,
) -> Result<Measured, Error> {
    let shapes =
        shapes.map_or_else(|| benchmark.shapes.to_vec(), |shapes| shapes.iter().map(Vec::as_slice).collect());
    let [min, max] = benchmark.range;
    // a sign that costs less if it is known is declared
    let known = (min >= 0.0 || max <= 0.0).then_some(Interval { min, max });
    let mut graph = Graph::new();
    let [alice, bob] = ["alice", "bob"].map(|name| graph.owner(name));
    let mut random = Random::new(1);
    let mut inputs = Inputs::new();
    let mut operands = Vec::new();
    for (i, shape) in shapes.iter().enumerate() {
        let mut half = |part: &str, owner: Owner| -> Result<NodeId, Error> {
            let (name, dtype) = (format!("{part}{i}"), benchmark.dtype);
            let data = ArrayD::from_shape_simple_fn(IxDyn(shape), || {
                let half = (min + (max - min) * random.unit()) / 2.0;
                if dtype == DType::Int { half.floor() } else { half }
            });
            inputs.insert(name.clone(), data);
            let range = known.map(|_| Interval { min: min / 2.0, max: max / 2.0 });
            let visibility = Visibility::Private(owner);
            let input = Input { shape: dims(shape), visibility, role: Role::Data, range, dtype };
            Ok(graph.add(input, &[], &name)?)
        };
        let halves = [half("a", alice)?, half("b", bob)?];
        operands.push(graph.add(ops::Add, &halves, "")?);
    }
    let result = (benchmark.build)(&mut graph, &operands)?;
    let mut clear_graph = graph.clone();
    if graph.node(result).ty.dtype == DType::Bit {
        graph.reveal(result, &[alice], "result")?;
    } else {
        graph.keep(result, "result")?;
    }

    let session = Session::with_options(options.clone())?;
    let prepared = session.prepare(&graph)?;
    let cost = without_reveal(&prepared.plan().cost(), "result");
    let mut times = Vec::with_capacity(RUNS);
    for run in 0..=RUNS {
        let evaluation = session.evaluate(&prepared, &inputs, &mut |_| {})?;
        if run > 0 {
            let [offline, online] =
                [evaluation.times.offline, evaluation.times.online].map(|t| t.as_secs_f64());
            times.push((offline + online, offline));
        }
        if run == RUNS {
            timeline.add(&prepared, &evaluation);
        }
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    drop(session);
    let mut clear = Vec::with_capacity(RUNS);
    clear_graph.reveal(result, &[alice], "result")?;
    for _ in 0..RUNS {
        let begun = Instant::now();
        std::hint::black_box(plain(&clear_graph, &inputs)?);
        clear.push(begun.elapsed().as_secs_f64());
    }
    clear.sort_by(f64::total_cmp);
    Ok(Measured {
        op: benchmark.name,
        elements: shapes[0].iter().product(),
        shape: shapes[0].to_vec(),
        rounds: cost.rounds,
        online_bytes_per_party: cost.online_bytes,
        offline_bytes: cost.offline_bytes,
        seconds: times[RUNS / 2].0,
        offline_seconds: times[RUNS / 2].1,
        spread: [times[0].0, times[RUNS - 1].0],
        plain_seconds: clear[RUNS / 2],
    })
}
