//! Graphs as models and back: what is exported and imported computes the same in f64.
//!
//! With `TACITA_EXPORTED=FOLDER` each case is left in that folder, with inputs and outputs, for `tools/check_exported.py`,
//! which puts it to onnxruntime.

mod networks;
mod operations;
mod random;
mod refused;

use std::path::Path;

use ndarray::ArrayD;
use tacita_graph::testing::Random;
use tacita_graph::{DType, Graph, Inputs, NodeId, Op, Role, Visibility, dims, functions, ops, plain_all};
use tacita_onnx::{ImportError, Onnx, export, export_bytes, export_open_bytes};

/// A graph under construction, with data for its inputs.
pub(crate) struct Case {
    pub(crate) graph: Graph,
    pub(crate) values: Inputs,
    random: Random,
}

impl Case {
    pub(crate) fn new(seed: u64) -> Case {
        Case { graph: Graph::new(), values: Inputs::new(), random: Random::new(seed) }
    }

    /// The model's input; a first axis of 0 is the batch, which is open in the model.
    pub(crate) fn data(&mut self, shape: &[usize], dtype: DType) -> NodeId {
        let owner = self.graph.owner("alice");
        let sizes: Vec<usize> = shape.iter().map(|&size| if size == 0 { BATCH } else { size }).collect();
        let id = self.graph.input_of("x", &sizes, Visibility::Private(owner), Role::Data, dtype).unwrap();
        self.fill("x", &sizes, dtype);
        id
    }

    /// A parameter of the model, kept in shares.
    pub(crate) fn parameter(&mut self, name: &str, shape: &[usize], dtype: DType) -> NodeId {
        self.fill(name, shape, dtype);
        self.graph.input_of(name, &dims(shape), Visibility::Secret, Role::Data, dtype).unwrap()
    }

    /// Numbers that float32 holds, a quarter of them halves, so that there are equal ones.
    fn fill(&mut self, name: &str, shape: &[usize], dtype: DType) {
        let random = &mut self.random;
        let value = ArrayD::from_shape_fn(shape, |_| {
            let value = random.unit() * 4.0 - 2.0;
            match dtype {
                DType::Fixed if random.below(4) == 0 => (value * 2.0).round() / 2.0,
                DType::Fixed => f64::from(value as f32),
                DType::Int => (value * 2.0).round(),
                DType::Bit => f64::from(u8::from(value > 0.0)),
            }
        });
        self.values.insert(name.to_string(), value);
    }

    pub(crate) fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        self.graph.add(op, inputs, "node").unwrap()
    }

    pub(crate) fn number(&mut self, value: f64) -> NodeId {
        self.add(ops::Constant { shape: vec![], value }, &[])
    }

    /// Exports and imports the outputs, and compares.
    pub(crate) fn check(&self, name: &str, outputs: &[NodeId]) {
        self.try_check(name, outputs).unwrap_or_else(|error| panic!("{error}"));
    }

    pub(crate) fn try_check(&self, name: &str, outputs: &[NodeId]) -> Result<(), Stopped> {
        let named: Vec<(String, NodeId)> =
            outputs.iter().enumerate().map(|(i, &id)| (format!("y{i}"), id)).collect();
        round_trip(name, &self.graph, &self.values, "x", &named, 1e-6)
    }
}

/// The largest distance of two arrays, in parts of the larger number where that is above 1.
pub(crate) fn apart(a: &ArrayD<f64>, b: &ArrayD<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / a.abs().max(1.0)).fold(0.0, f64::max)
}

/// Why a round trip says nothing.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The importer does not take what was exported.
    Import(ImportError),
    /// Something is wrong.
    Wrong(String),
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stopped::Import(error) => write!(f, "{error}"),
            Stopped::Wrong(error) => write!(f, "{error}"),
        }
    }
}

/// The batch of what has one. No other size is as large.
pub(crate) const BATCH: usize = 11;

/// The graph with two samples more: first axes of the batch's size are that of samples.
fn of_another_batch(graph: &Graph, data: &str) -> Graph {
    let mut other = Graph::new();
    graph.owners().iter().for_each(|owner| _ = other.owner(owner));
    for node in graph.nodes() {
        let mut op = node.op.clone();
        let shape = match &mut op {
            Op::Input(op) if node.name == data => Some(&mut op.shape),
            Op::Constant(op) => Some(&mut op.shape),
            Op::Reshape(op) => Some(&mut op.shape),
            Op::Expand(op) => Some(&mut op.shape),
            Op::Uniform(op) => Some(&mut op.shape),
            Op::Bernoulli(op) => Some(&mut op.shape),
            _ => None,
        };
        if let Some([first, ..]) = shape.map(Vec::as_mut_slice)
            && *first == BATCH
        {
            *first += 2;
        }
        other.add(op, &node.inputs, &node.name).unwrap();
    }
    other
}

/// Exports with all values but that of `data` as parameters, imports, and compares in f64.
pub(crate) fn round_trip(
    name: &str,
    graph: &Graph,
    values: &Inputs,
    data: &str,
    outputs: &[(String, NodeId)],
    allowed: f64,
) -> Result<(), Stopped> {
    let wrong = |error: &dyn std::fmt::Display| Stopped::Wrong(format!("{name}: {error}"));
    let mut parameters = values.clone();
    let x = parameters.remove(data).expect("data for the input");
    let named: Vec<(&str, NodeId)> = outputs.iter().map(|(name, id)| (name.as_str(), *id)).collect();
    let bytes = match x.shape().first() {
        Some(&BATCH) => export_open_bytes(graph, &of_another_batch(graph, data), &named, &parameters),
        _ => export_bytes(graph, &named, &parameters),
    };
    let bytes = bytes.map_err(|error| wrong(&error))?;
    let expected = plain_all(graph, values).map_err(|error| wrong(&error))?;
    let shown = |id: NodeId| if graph.node(id).op.is_end() { graph.node(id).inputs[0] } else { id };
    if let Some(folder) = std::env::var_os("TACITA_EXPORTED") {
        leave(folder.as_ref(), name, graph, &named, &parameters, (data, &x.to_f64()), &|id| {
            expected[shown(id).index()].clone()
        });
    }

    let onnx = Onnx::from_bytes(&bytes, name).map_err(Stopped::Import)?;
    let mut again = Graph::new();
    let (alice, bob) = (again.owner("alice"), again.owner("bob"));
    let shape = dims(x.shape());
    let input = again
        .input_of(onnx.input(), &shape, Visibility::Private(alice), Role::Data, onnx.input_kind())
        .map_err(|error| wrong(&error))?;
    let built = onnx.build(&mut again, input, bob, "").map_err(Stopped::Import)?;
    let mut found = Vec::new();
    for output in &built.outputs {
        let mut node = output.node;
        if let Some(softmax) = &output.softmax {
            let axes: Vec<isize> = softmax.axes.iter().map(|&axis| axis as isize).collect();
            let log = softmax.op == "LogSoftmax";
            node =
                functions::softmax(&mut again, node, &axes, log, "softmax").map_err(|error| wrong(&error))?;
        }
        found.push(node);
    }
    let mut inputs = built.parameters;
    inputs.insert(onnx.input().to_string(), x.clone());
    let values = plain_all(&again, &inputs).map_err(|error| wrong(&error))?;
    for ((output, (called, id)), node) in built.outputs.iter().zip(outputs).zip(found) {
        let (expected, found) = (&expected[shown(*id).index()], &values[node.index()]);
        let (of, again) = (graph.node(shown(*id)).ty.dtype, again.node(node).ty.dtype);
        let far = if expected.shape() == found.shape() { apart(expected, found) } else { f64::INFINITY };
        if output.name != *called || of != again || far.is_nan() || far > allowed {
            let shapes = (expected.shape(), found.shape());
            return Err(Stopped::Wrong(format!(
                "{name}: {called} ({of}, {again}) is off by {far}, {shapes:?}"
            )));
        }
    }
    Ok(())
}

/// Leaves a case for onnxruntime.
fn leave(
    folder: &Path,
    name: &str,
    graph: &Graph,
    outputs: &[(&str, NodeId)],
    parameters: &Inputs,
    (data, x): (&str, &ArrayD<f64>),
    expected: &dyn Fn(NodeId) -> ArrayD<f64>,
) {
    std::fs::create_dir_all(folder).unwrap();
    let file = |what: &str| folder.join(format!("{name}.{what}"));
    export(&file("onnx"), graph, outputs, parameters).unwrap();
    tacita_data::write_f32(&file(&format!("in.{data}.npy")), x.view()).unwrap();
    for &(output, id) in outputs {
        tacita_data::write_f32(&file(&format!("out.{output}.npy")), expected(id).view()).unwrap();
    }
}
