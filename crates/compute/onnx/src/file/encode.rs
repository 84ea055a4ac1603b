//! Messages as bytes: the inverse of `messages` and `wire`, for what an export writes.

use super::messages::{Attribute, Dimension, Entry, Graph, Node, Tensor, ValueInfo};

/// The version of the file format: the first with version 17 of the operators.
const IR_VERSION: i64 = 8;

/// A whole file.
pub(crate) fn model(graph: &Graph, opset: i64) -> Vec<u8> {
    let mut out = Vec::new();
    int(&mut out, 1, IR_VERSION);
    bytes(&mut out, 2, b"tacita");
    bytes(&mut out, 3, env!("CARGO_PKG_VERSION").as_bytes());
    message(&mut out, 7, |out| self::graph(out, graph));
    message(&mut out, 8, |out| int(out, 2, opset));
    out
}

/// A graph alone: all that an importer reads of it, once its constants have their numbers as bytes or in typed lists.
pub(crate) fn graph_alone(graph: &Graph) -> Vec<u8> {
    let mut out = Vec::new();
    self::graph(&mut out, graph);
    out
}

fn graph(out: &mut Vec<u8>, graph: &Graph) {
    graph.nodes.iter().for_each(|node| message(out, 1, |out| self::node(out, node)));
    bytes(out, 2, b"network");
    graph.initializers.iter().for_each(|tensor| message(out, 5, |out| self::tensor(out, tensor)));
    graph.inputs.iter().for_each(|input| message(out, 11, |out| value_info(out, input)));
    graph.outputs.iter().for_each(|output| message(out, 12, |out| value_info(out, output)));
}

fn node(out: &mut Vec<u8>, node: &Node) {
    node.inputs.iter().for_each(|input| bytes(out, 1, input.as_bytes()));
    node.outputs.iter().for_each(|output| bytes(out, 2, output.as_bytes()));
    bytes(out, 3, node.name.as_bytes());
    bytes(out, 4, node.op.as_bytes());
    if !node.domain.is_empty() {
        bytes(out, 7, node.domain.as_bytes());
    }
    node.attributes.iter().for_each(|attribute| message(out, 5, |out| self::attribute(out, attribute)));
}

fn attribute(out: &mut Vec<u8>, attribute: &Attribute) {
    bytes(out, 1, attribute.name.as_bytes());
    if let Some(float) = attribute.float {
        out.push(2 << 3 | 5);
        out.extend(float.to_le_bytes());
    }
    if let Some(value) = attribute.int {
        int(out, 3, value);
    }
    if let Some(text) = &attribute.string {
        bytes(out, 4, text.as_bytes());
    }
    if let Some(tensor) = &attribute.tensor {
        message(out, 5, |out| self::tensor(out, tensor));
    }
    for float in &attribute.floats {
        out.push(7 << 3 | 5);
        out.extend(float.to_le_bytes());
    }
    attribute.ints.iter().for_each(|&value| int(out, 8, value));
    int(out, 20, attribute.kind as i64);
}

fn tensor(out: &mut Vec<u8>, tensor: &Tensor) {
    tensor.dims.iter().for_each(|&size| int(out, 1, size));
    int(out, 2, tensor.element as i64);
    bytes(out, 8, tensor.name.as_bytes());
    if !tensor.floats.is_empty() {
        let packed: Vec<u8> = tensor.floats.iter().flat_map(|value| value.to_le_bytes()).collect();
        bytes(out, 4, &packed);
    }
    tensor.ints.iter().for_each(|&value| int(out, 7, value));
    if !tensor.doubles.is_empty() {
        let packed: Vec<u8> = tensor.doubles.iter().flat_map(|value| value.to_le_bytes()).collect();
        bytes(out, 10, &packed);
    }
    for Entry { key, value } in &tensor.external {
        message(out, 13, |out| {
            bytes(out, 1, key.as_bytes());
            bytes(out, 2, value.as_bytes());
        });
    }
    if tensor.is_external {
        int(out, 14, 1);
    }
    let listed = !(tensor.floats.is_empty() && tensor.ints.is_empty() && tensor.doubles.is_empty());
    if tensor.raw.is_some() || !listed && !tensor.is_external {
        bytes(out, 9, tensor.raw.as_deref().unwrap_or_default());
    }
}

fn value_info(out: &mut Vec<u8>, value: &ValueInfo) {
    bytes(out, 1, value.name.as_bytes());
    let Some(ty) = &value.tensor else { return };
    let shape = |out: &mut Vec<u8>| {
        for size in ty.shape.iter().flatten() {
            message(out, 1, |out| dimension(out, size));
        }
    };
    let tensor = |out: &mut Vec<u8>| {
        int(out, 1, ty.element as i64);
        if ty.shape.is_some() {
            message(out, 2, shape);
        }
    };
    message(out, 2, |out| message(out, 1, tensor));
}

fn dimension(out: &mut Vec<u8>, dimension: &Dimension) {
    match dimension.size {
        Some(size) => int(out, 1, size),
        None => bytes(out, 2, dimension.symbol.as_bytes()),
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn int(out: &mut Vec<u8>, number: u64, value: i64) {
    varint(out, number << 3);
    varint(out, value as u64);
}

fn bytes(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn message(out: &mut Vec<u8>, number: u64, write: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    write(&mut content);
    bytes(out, number, &content);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::messages::{Model, TensorType};
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let tensor = Tensor {
            name: "w".to_string(),
            dims: vec![2, 300],
            element: 9,
            raw: Some(vec![7; 600]),
            ..Tensor::default()
        };
        let attribute =
            |name: &str, dtype| Attribute { name: name.to_string(), kind: dtype, ..Attribute::default() };
        let attributes = vec![
            Attribute { float: Some(-0.5), ..attribute("f", 1) },
            Attribute { int: Some(i64::MIN), ..attribute("i", 2) },
            Attribute { string: Some("é".to_string()), ..attribute("s", 3) },
            Attribute { ints: vec![-1, 0, 1 << 40], ..attribute("l", 7) },
            Attribute {
                tensor: Some(Arc::new(Tensor { dims: vec![], ..Tensor::default() })),
                ..attribute("t", 4)
            },
        ];
        let node = Node {
            inputs: vec!["x".to_string(), String::new(), "w".to_string()],
            outputs: vec!["y".to_string()],
            name: "n".to_string(),
            op: "Clip".to_string(),
            domain: String::new(),
            attributes,
        };
        let shape = vec![
            Dimension { size: None, symbol: "batch".to_string() },
            Dimension { size: Some(300), symbol: String::new() },
        ];
        let input =
            ValueInfo { name: "x".to_string(), tensor: Some(TensorType { element: 1, shape: Some(shape) }) };
        let scalar =
            ValueInfo { name: "y".to_string(), tensor: Some(TensorType { element: 7, shape: Some(vec![]) }) };
        let graph = Graph {
            nodes: vec![node],
            initializers: vec![Arc::new(tensor)],
            has_sparse: false,
            inputs: vec![input],
            outputs: vec![scalar],
        };
        let read = Model::decode(&model(&graph, 17)).unwrap();
        assert_eq!((read.opsets[0].domain.as_str(), read.opsets[0].version), ("", 17));
        // the tensor within the attribute was written with bytes, none of them
        let expected = format!("{graph:?}").replacen("raw: None", "raw: Some([])", 1);
        assert_eq!(format!("{:?}", read.graph.unwrap()), expected);
    }
}
