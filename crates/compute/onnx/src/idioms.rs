//! Numbers that say what an operation is, written as tensors: the √2 of a GELU, the ε of a norm.
//!
//! Exporters spell out what older versions of ONNX have no operator for. As private inputs such numbers would cost products
//! and hide from the rewrites what the operations are, which is no secret; so they are public, and listed as such. Only the
//! numbers that these operations are defined by are taken: a weight that stands in such a place stays private.

use std::collections::BTreeMap;
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use crate::file::messages::Node;

/// The nodes around a node.
struct Surroundings<'a> {
    producers: BTreeMap<&'a str, &'a Node>,
    consumers: BTreeMap<&'a str, Vec<&'a Node>>,
}

impl<'a> Surroundings<'a> {
    /// The nodes of one of these operations that make an input.
    fn before(&self, node: &Node, ops: &[&str]) -> Vec<&'a Node> {
        let producers = node.inputs.iter().filter_map(|name| self.producers.get(name.as_str()).copied());
        producers.filter(|producer| ops.contains(&producer.op.as_str())).collect()
    }

    /// The nodes of one of these operations that use the output.
    fn after(&self, node: &Node, ops: &[&str]) -> Vec<&'a Node> {
        let output = node.outputs.first().and_then(|name| self.consumers.get(name.as_str()));
        let consumers = output.into_iter().flatten().copied();
        consumers.filter(|consumer| ops.contains(&consumer.op.as_str())).collect()
    }
}

/// The names of what such nodes use, with the label of one that does. Those that are tensors of one number are meant.
pub(crate) fn known(nodes: &[Node]) -> BTreeMap<&str, &str> {
    let mut around = Surroundings { producers: BTreeMap::new(), consumers: BTreeMap::new() };
    for node in nodes {
        for output in &node.outputs {
            around.producers.insert(output, node);
        }
        for input in &node.inputs {
            around.consumers.entry(input).or_default().push(node);
        }
    }
    let mut known = BTreeMap::new();
    for node in nodes {
        let spelled = match node.op.as_str() {
            "Erf" | "Tanh" => gelu(&around, node),
            "Sqrt" => norm(&around, node),
            _ => Vec::new(),
        };
        for node in spelled {
            known.extend(node.inputs.iter().map(|input| (input.as_str(), node.label())));
        }
    }
    known
}

const FACTORS: &[&str] = &["Mul", "Div"];

/// x · 1/2 · (1 + f(u)), its factors in any order, with u = x / √2 or √(2/π) (x + 0.044715 x³).
fn gelu<'a>(around: &Surroundings<'a>, f: &'a Node) -> Vec<&'a Node> {
    let mut nodes = Vec::new();
    for sum in around.after(f, &["Add"]) {
        nodes.push(sum);
        for product in around.after(sum, FACTORS) {
            nodes.push(product);
            nodes.extend(around.before(product, FACTORS));
            nodes.extend(around.after(product, FACTORS));
        }
    }
    if nodes.len() < 2 {
        return Vec::new(); // a Tanh by itself
    }
    for scale in around.before(f, FACTORS) {
        nodes.push(scale);
        for sum in around.before(scale, &["Add"]) {
            nodes.extend(around.before(sum, FACTORS));
        }
    }
    nodes
}

/// The root of a variance and ε, and a reciprocal of it.
fn norm<'a>(around: &Surroundings<'a>, root: &'a Node) -> Vec<&'a Node> {
    let sums = around.before(root, &["Add"]).into_iter();
    let mut nodes: Vec<&Node> = sums.filter(|sum| !around.before(sum, &["ReduceMean"]).is_empty()).collect();
    if !nodes.is_empty() {
        nodes.extend(around.after(root, &["Div"]));
    }
    nodes
}

/// Whether a number is one that these operations are defined by, as a float of 32 bits has it: those of the two forms of
/// GELU, or the ε of a norm.
pub(crate) fn defines(value: f64) -> bool {
    let exact = [0.5, 1.0, 2.0, 3.0, SQRT_2, FRAC_1_SQRT_2, (2.0 / PI).sqrt(), 0.044_715];
    exact.iter().any(|known| (value - known).abs() <= known * 1e-6) || (value > 0.0 && value <= 0.001)
}
