//! A model that grows: nodes, initializers, and names that nothing else has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tacita_graph::{DType, Graph, NodeId, Value};

use crate::call;
use crate::file::messages::{self, Attribute, Dimension, Node, Tensor, TensorType, ValueInfo};
use crate::file::tensor::{BOOL, FLOAT32, INT64, element};

/// What the batch is called.
const BATCH: &str = "batch";

/// The model, and what each node's value is called in it.
pub(super) struct Writer<'g> {
    pub(super) graph: &'g Graph,
    model: messages::Graph,
    taken: BTreeSet<String>,
    values: Vec<Option<String>>,
    /// What nodes and values are called now, as well as it goes.
    label: String,
    /// Public numbers that are there already, by their bits.
    numbers: BTreeMap<u32, String>,
    /// The same graph at another batch: axes whose sizes differ follow the batch.
    other: Option<&'g Graph>,
    /// The size of the batch, as a list of one.
    batch: Option<String>,
}

/// The sizes of a shape, and of which an open batch is a factor.
pub(super) struct OpenShape {
    pub(super) sizes: Vec<usize>,
    /// The axis that follows the batch, if one does, and by which factor.
    pub(super) open: Option<(usize, usize)>,
}

impl<'g> Writer<'g> {
    pub(super) fn new(graph: &'g Graph, other: Option<&'g Graph>) -> Writer<'g> {
        Writer {
            graph,
            model: messages::Graph::default(),
            taken: BTreeSet::new(),
            values: vec![None; graph.nodes().len()],
            label: String::new(),
            numbers: BTreeMap::new(),
            other,
            batch: None,
        }
    }

    /// The shape of a node's value.
    pub(super) fn open_shape(&self, id: NodeId) -> Result<OpenShape, String> {
        let sizes = self.graph.node(id).ty.shape.clone();
        let Some(other) = self.other else { return Ok(OpenShape { sizes, open: None }) };
        let theirs = &other.node(id).ty.shape;
        let mut differing = (0..sizes.len()).filter(|&axis| theirs.get(axis) != Some(&sizes[axis]));
        let open = match (differing.next(), differing.next()) {
            (None, _) => None,
            (Some(axis), None) => {
                let (small, large) = self.batches();
                let factor = sizes[axis] / small.max(1);
                if factor * small != sizes[axis] || theirs.get(axis) != Some(&(factor * large)) {
                    return Err("a size is no multiple of the batch".to_string());
                }
                Some((axis, factor))
            }
            _ => return Err("several sizes follow the batch".to_string()),
        };
        Ok(OpenShape { sizes, open })
    }

    /// The batches of the two graphs: the first axis of the first input that has another there.
    fn batches(&self) -> (usize, usize) {
        let first = |graph: &Graph, id: NodeId| graph.node(id).ty.shape.first().copied().unwrap_or(1);
        let of = |id| Some((first(self.graph, id), first(self.other?, id))).filter(|(a, b)| a != b);
        self.graph.inputs().into_iter().find_map(of).unwrap_or((1, 1))
    }

    pub(super) fn finish(self) -> messages::Graph {
        self.model
    }

    /// Takes a name; false if something has it.
    pub(super) fn reserve(&mut self, name: &str) -> bool {
        !name.is_empty() && self.taken.insert(name.to_string())
    }

    /// A name like this one that nothing else has.
    fn fresh(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_string();
        let mut count = 1;
        while !self.reserve(&name) {
            count += 1;
            name = format!("{wanted}_{count}");
        }
        name
    }

    /// An input of the model.
    pub(super) fn input(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        self.reserve(&node.name);
        let info = self.info(&node.name, id);
        self.model.inputs.push(info);
        self.values[id.index()] = Some(node.name.clone());
    }

    /// An input of the graph that has its value in the model.
    pub(super) fn parameter(&mut self, id: NodeId, value: &Value) -> Result<(), String> {
        let node = self.graph.node(id);
        if node.ty.shape != value.shape() {
            let expected = tacita_graph::show(&node.ty.shape);
            return Err(format!("it has shape {expected}, and its value {:?}", value.shape()));
        }
        let mut raw = Vec::with_capacity(value.len() * if node.ty.dtype == DType::Int { 8 } else { 4 });
        let dtype = node.ty.dtype;
        match dtype {
            DType::Fixed => {
                for &x in &value.to_f64() {
                    raw.extend(narrow(x)?.to_le_bytes());
                }
            }
            DType::Int => {
                let integers = value.to_i64().ok_or_else(|| {
                    let is_none = |x: &f64| x.fract() != 0.0 || x.abs() >= 2f64.powi(63);
                    let x = value.to_f64().into_iter().find(is_none).unwrap_or(f64::NAN);
                    format!("{x} is not of type {dtype}")
                })?;
                integers.iter().for_each(|x| raw.extend(x.to_le_bytes()));
            }
            DType::Bit => {
                for &x in &value.to_f64() {
                    match x {
                        0.0 | 1.0 => raw.push(x as u8),
                        _ => return Err(format!("{x} is not of type {dtype}")),
                    }
                }
            }
        }
        self.reserve(&node.name);
        self.tensor(&node.name, value.shape(), element(node.ty.dtype), raw);
        self.values[id.index()] = Some(node.name.clone());
        Ok(())
    }

    /// An output of the model.
    pub(super) fn output(&mut self, name: &str, id: NodeId) {
        let value = self.value(id);
        self.push("Identity", &[&value], vec![], name, vec![name.to_string()]);
        let info = self.info(name, id);
        self.model.outputs.push(info);
    }

    /// What a node's value is called.
    pub(super) fn value(&self, id: NodeId) -> String {
        self.values[id.index()].clone().expect("operands are written before what uses them")
    }

    /// Names what is written next.
    pub(super) fn begin(&mut self, id: NodeId) {
        self.label = self.graph.label(id);
    }

    /// Says what a node's value is.
    pub(super) fn end(&mut self, id: NodeId, value: String) {
        self.values[id.index()] = Some(value);
    }

    fn push(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
        name: &str,
        outputs: Vec<String>,
    ) {
        self.model.nodes.push(Node {
            inputs: inputs.iter().map(|&input| input.to_string()).collect(),
            outputs,
            name: name.to_string(),
            op: op.to_string(),
            domain: String::new(),
            attributes,
        });
    }

    /// An operation with one result.
    pub(super) fn op(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let output = self.fresh(&self.label.clone());
        self.push(op, inputs, attributes, &output, vec![output.clone()]);
        output
    }

    /// An operation with two results.
    pub(super) fn op2(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> [String; 2] {
        let outputs = [(); 2].map(|()| self.fresh(&self.label.clone()));
        self.push(op, inputs, attributes, &outputs[0], outputs.to_vec());
        outputs
    }

    fn tensor(&mut self, name: &str, shape: &[usize], element: u64, raw: Vec<u8>) {
        let dims = shape.iter().map(|&size| size as i64).collect();
        let (name, raw) = (name.to_string(), Some(raw));
        self.model.initializers.push(Arc::new(Tensor { name, dims, element, raw, ..Tensor::default() }));
    }

    /// Numbers that an operation is defined by.
    pub(super) fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        let name = self.fresh(&format!("{}/values", self.label));
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(&name, shape, FLOAT32, raw);
        name
    }

    /// Integers that an operation is defined by, in a list.
    pub(super) fn list(&mut self, values: &[i64]) -> String {
        self.integers(&[values.len()], values)
    }

    /// One integer, without axes.
    pub(super) fn whole(&mut self, value: i64) -> String {
        self.integers(&[], &[value])
    }

    fn integers(&mut self, shape: &[usize], values: &[i64]) -> String {
        let name = self.fresh(&format!("{}/integers", self.label));
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(&name, shape, INT64, raw);
        name
    }

    /// A public number to compute with, without axes. An importer that keeps initializers secret, as ours, knows by its form
    /// that it is none.
    pub(super) fn number(&mut self, value: f64) -> Result<String, String> {
        let value = narrow(value)?;
        if let Some(name) = self.numbers.get(&value.to_bits()) {
            return Ok(name.clone());
        }
        let shape = self.list(&[]);
        let name = self.filled(&shape, value);
        self.numbers.insert(value.to_bits(), name.clone());
        Ok(name)
    }

    /// A tensor of this shape, itself a value, filled with one number.
    pub(super) fn filled(&mut self, shape: &str, value: f32) -> String {
        let raw = Some(value.to_le_bytes().to_vec());
        let one = Tensor { dims: vec![1], element: FLOAT32, raw, ..Tensor::default() };
        let value = Attribute { tensor: Some(Arc::new(one)), ..attribute("value", call::TENSOR) };
        self.op("ConstantOfShape", &[shape], vec![value])
    }

    /// A shape as a value.
    pub(super) fn shape(&mut self, shape: &OpenShape) -> Result<String, String> {
        let known = |sizes: &[usize]| sizes.iter().map(|&size| size as i64).collect::<Vec<_>>();
        let Some((axis, factor)) = shape.open else { return Ok(self.list(&known(&shape.sizes))) };
        let mut batch = self.batch()?;
        if factor != 1 {
            let factor = self.list(&[factor as i64]);
            batch = self.op("Mul", &[&batch, &factor], vec![]);
        }
        let (before, after) =
            (self.list(&known(&shape.sizes[..axis])), self.list(&known(&shape.sizes[axis + 1..])));
        Ok(self.op("Concat", &[&before, &batch, &after], vec![int("axis", 0)]))
    }

    /// An input or output of the model, as a node's value is.
    fn info(&self, name: &str, id: NodeId) -> ValueInfo {
        let ty = &self.graph.node(id).ty;
        let theirs = self.other.map(|other| &other.node(id).ty.shape);
        let follows = |axis: usize| theirs.is_some_and(|theirs| theirs.get(axis) != Some(&ty.shape[axis]));
        let (small, _) = self.batches();
        let dimension = |(axis, &size): (usize, &usize)| match (follows(axis), size / small.max(1)) {
            (false, _) => Dimension { size: Some(size as i64), symbol: String::new() },
            (true, 1) => Dimension { size: None, symbol: BATCH.to_string() },
            (true, factor) => Dimension { size: None, symbol: format!("{factor}*{BATCH}") },
        };
        let shape = Some(ty.shape.iter().enumerate().map(dimension).collect());
        ValueInfo { name: name.to_string(), tensor: Some(TensorType { element: element(ty.dtype), shape }) }
    }

    /// The batch of the first input that has it.
    fn batch(&mut self) -> Result<String, String> {
        if let Some(batch) = &self.batch {
            return Ok(batch.clone());
        }
        let of = |input: &ValueInfo| {
            let first = input.tensor.as_ref()?.shape.as_ref()?.first()?;
            first.size.is_none().then(|| input.name.clone())
        };
        let Some(input) = self.model.inputs.iter().find_map(of) else {
            return Err("no input of the model says what size the batch has".to_string());
        };
        let batch = self.op("Shape", &[&input], vec![int("start", 0), int("end", 1)]);
        self.batch = Some(batch.clone());
        Ok(batch)
    }

    /// A value as another type of number.
    pub(super) fn cast(&mut self, x: &str, to: u64) -> String {
        self.op("Cast", &[x], vec![int("to", to as i64)])
    }

    /// A value of numbers as bits.
    pub(super) fn bits(&mut self, x: &str) -> String {
        self.cast(x, BOOL)
    }
}

/// The nearest number of float32.
pub(super) fn narrow(value: f64) -> Result<f32, String> {
    let narrow = value as f32;
    if narrow.is_finite() { Ok(narrow) } else { Err(format!("{value} is not a number that float32 holds")) }
}

fn attribute(name: &str, dtype: u64) -> Attribute {
    Attribute { name: name.to_string(), kind: dtype, ..Attribute::default() }
}

pub(super) fn int(name: &str, value: i64) -> Attribute {
    Attribute { int: Some(value), ..attribute(name, call::INT) }
}

pub(super) fn float(name: &str, value: f32) -> Attribute {
    Attribute { float: Some(value), ..attribute(name, call::FLOAT) }
}

pub(super) fn text(name: &str, value: String) -> Attribute {
    Attribute { string: Some(value), ..attribute(name, call::STRING) }
}

pub(super) fn ints(name: &str, values: &[usize]) -> Attribute {
    let ints = values.iter().map(|&value| value as i64).collect();
    Attribute { ints, ..attribute(name, call::INTS) }
}
