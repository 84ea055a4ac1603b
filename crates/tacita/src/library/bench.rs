//! How long operations take here: two parties and a dealer, real links.

use std::sync::Arc;
use std::time::Instant;

use ndarray::{ArrayD, IxDyn};
use serde::Serialize;
use tacita_graph::testing::Random;
use tacita_graph::{
    Graph, GraphError, Inputs, Interval, Kind, NodeId, Op, Role, Visibility, dims, ops, plain,
};

use super::cost::{Build, operation_cost};
use crate::error::Error;
use crate::options::Options;
use crate::session::Session;

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
    /// Between which numbers the operands are.
    range: [f64; 2],
    build: Build,
}

/// What was measured of an operation.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The operation.
    pub op: &'static str,
    /// Elements of its first operand.
    pub elements: usize,
    /// The first operand's shape.
    pub shape: Vec<usize>,
    /// Rounds from shares to shares.
    pub rounds: u32,
    /// Payload that each party sends online from shares to shares, in bytes.
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
    elementwise("mul", &[&[MILLION], &[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Mul, x)),
    elementwise("matmul", &[&[1024, 1024], &[1024, 1024]], [-1.0, 1.0], |g, x| one(g, ops::MatMul, x)),
    elementwise("conv", &[&[1, 64, 56, 56], &[64, 64, 3, 3]], [-1.0, 1.0], |g, x| {
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
    elementwise("relu", &[&[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Relu, x)),
    elementwise("lt", &[&[MILLION], &[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Less, x)),
    elementwise("exp", &[&[MILLION]], [-12.0, 0.0], |g, x| one(g, ops::Exp, x)),
    elementwise("exp (any sign)", &[&[MILLION]], [-12.0, 12.0], |g, x| one(g, ops::Exp, x)),
    elementwise("log", &[&[MILLION]], [0.1, 1000.0], |g, x| one(g, ops::Log, x)),
    elementwise("reciprocal", &[&[MILLION]], [0.1, 1000.0], |g, x| one(g, ops::Reciprocal, x)),
    elementwise("sqrt", &[&[MILLION]], [0.1, 1000.0], |g, x| one(g, ops::Sqrt, x)),
    elementwise("rsqrt", &[&[MILLION]], [0.1, 1000.0], |g, x| one(g, ops::Rsqrt, x)),
    elementwise("sigmoid", &[&[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Sigmoid, x)),
    elementwise("tanh", &[&[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Tanh, x)),
    elementwise("gelu", &[&[MILLION]], [-8.0, 8.0], |g, x| one(g, ops::Gelu { tanh: false }, x)),
    elementwise("softmax", &[&[12, 128, 128]], [-8.0, 8.0], |g, x| one(g, ops::Softmax { axis: 2 }, x)),
    elementwise("layer_norm", &[&[128, 768]], [-8.0, 8.0], |g, x| {
        one(g, ops::Normalize { axes: vec![1], epsilon: 1e-5, centre: true }, x)
    }),
    elementwise("max_pool", &[&[64, 1, 112, 112]], [-8.0, 8.0], |g, x| {
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
    elementwise("argmax", &[&[1000, 1000]], [-8.0, 8.0], |g, x| {
        one(g, ops::ArgMax { axis: 1, keepdims: false }, x)
    }),
];

const fn elementwise(
    name: &'static str,
    shapes: &'static [&'static [usize]],
    range: [f64; 2],
    build: Build,
) -> Benchmark {
    Benchmark { name, shapes, range, build }
}

/// Times an operation on secrets: what two parties put in is added, the operation's result summed, and the sum revealed, so
/// that neither the inputs' nor the result's way weighs much.
///
/// # Errors
/// If the session fails.
pub fn bench_operation(benchmark: &Benchmark, options: &Options) -> Result<Measured, Error> {
    let [min, max] = benchmark.range;
    // to the full range of the operand where it is one that inference must not know
    let known = (min >= 0.0 || max <= 0.0).then_some(Interval { min: 2.0 * min, max: 2.0 * max });
    let cost = operation_cost(benchmark.build, benchmark.shapes, Kind::Fixed, known, options.precision)?;
    let mut graph = Graph::new();
    let [alice, bob] = ["alice", "bob"].map(|name| graph.owner(name));
    let mut random = Random::new(1);
    let mut inputs = Inputs::new();
    let mut operands = Vec::new();
    for (i, shape) in benchmark.shapes.iter().enumerate() {
        let halves = [("a", alice), ("b", bob)].map(|(part, owner)| {
            let name = format!("{part}{i}");
            let data =
                ArrayD::from_shape_simple_fn(IxDyn(shape), || (min + (max - min) * random.unit()) / 2.0);
            inputs.insert(name.clone(), data);
            let visibility = Visibility::Private(owner);
            match known {
                Some(_) => {
                    let range = Interval { min: min.min(0.0), max: max.max(0.0) };
                    graph.input_within(&name, &dims(shape), visibility, Role::Data, range)
                }
                None => graph.input(&name, &dims(shape), visibility, Role::Data),
            }
        });
        let [a, b] = halves;
        operands.push(graph.add(ops::Add, &[a?, b?], "")?);
    }
    let result = (benchmark.build)(&mut graph, &operands)?;
    let whole = graph.clone();
    let rank = graph.node(result).ty.rank();
    let answer = match graph.node(result).ty.kind {
        Kind::Fixed => graph.add(ops::Sum { axes: (0..rank).collect(), keepdims: false }, &[result], "")?,
        _ => result,
    };
    graph.reveal(answer, &[alice], "result")?;

    let mut session = Session::with_options(options.clone())?;
    let prepared = session.prepare(&graph, 1)?;
    let mut times = Vec::with_capacity(RUNS);
    for run in 0..=RUNS {
        let evaluation = session.evaluate(&prepared, &inputs, &mut |_| {})?;
        if run > 0 {
            let [offline, online] =
                [evaluation.times.offline, evaluation.times.online].map(|t| t.as_secs_f64());
            times.push((offline + online, offline));
        }
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    drop(session);
    let mut clear = Vec::with_capacity(RUNS);
    let mut whole = whole;
    whole.reveal(result, &[alice], "result")?;
    let whole = Arc::new(whole);
    for _ in 0..RUNS {
        let begun = Instant::now();
        std::hint::black_box(plain(&whole, &inputs)?);
        clear.push(begun.elapsed().as_secs_f64());
    }
    clear.sort_by(f64::total_cmp);
    Ok(Measured {
        op: benchmark.name,
        elements: benchmark.shapes[0].iter().product(),
        shape: benchmark.shapes[0].to_vec(),
        rounds: cost.rounds,
        online_bytes_per_party: cost.online_bytes,
        offline_bytes: cost.offline_bytes,
        seconds: times[RUNS / 2].0,
        offline_seconds: times[RUNS / 2].1,
        spread: [times[0].0, times[RUNS - 1].0],
        plain_seconds: clear[RUNS / 2],
    })
}
