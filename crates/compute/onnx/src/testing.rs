//! What the tests need of the file's reader: the tests of the `onnx` package come as models and tensors by themselves.

use ndarray::ArrayD;

use crate::file::messages::{Model, Tensor};
use crate::file::wire::{Field, Reader};

/// A test of the `onnx` package, its parts as the package has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Test {
    pub name: String,
    pub model: Vec<u8>,
    pub inputs: Vec<Vec<u8>>,
    pub outputs: Vec<Vec<u8>>,
}

impl Test {
    /// The model with one input, and which of the test's it is: the first that has axes, or is no tensor. The others are
    /// tensors of the file, which the importer takes as private or as public as their operator has it.
    ///
    /// # Errors
    /// If the model cannot be read.
    pub fn with_one_input(&self) -> Result<(Vec<u8>, Option<usize>), String> {
        let inputs = interface(&self.model)?.inputs;
        let has_axes = |bytes: &Vec<u8>| tensor(bytes).is_ok_and(|data| !data.shape.is_empty());
        let data = inputs
            .iter()
            .position(|(_, is_tensor)| !is_tensor)
            .or_else(|| self.inputs.iter().position(has_axes))
            .or_else(|| (!inputs.is_empty()).then_some(0));
        // A message that occurs again is continued: to the model its graph, to the graph one more initializer, to the
        // initializer its name.
        let mut model = self.model.clone();
        for (index, ((name, _), bytes)) in inputs.iter().zip(&self.inputs).enumerate() {
            if Some(index) != data {
                let initializer = [&bytes[..], &field(8, name.as_bytes())].concat();
                model.extend(field(7, &field(5, &initializer)));
            }
        }
        Ok((model, data))
    }
}

/// What `tools/fetch_onnx_tests.py` packs.
///
/// # Errors
/// If the bytes are none of that.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Test>, String> {
    let mut tests = Vec::new();
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let (1, Field::Bytes(content)) = reader.field()? else { return Err("not a test".to_string()) };
        let mut test = Test::default();
        let mut parts = Reader::new(content);
        while !parts.is_empty() {
            match parts.field()? {
                (1, Field::Bytes(name)) => test.name = String::from_utf8_lossy(name).into_owned(),
                (2, Field::Bytes(model)) => test.model = model.to_vec(),
                (3, Field::Bytes(input)) => test.inputs.push(input.to_vec()),
                (4, Field::Bytes(output)) => test.outputs.push(output.to_vec()),
                (number, _) => return Err(format!("field {number} of a test")),
            }
        }
        tests.push(test);
    }
    Ok(tests)
}

/// The inverse of [`unpack`].
pub fn pack(tests: &[&Test]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for test in tests {
        let mut content = field(1, test.name.as_bytes());
        content.extend(field(2, &test.model));
        content.extend(test.inputs.iter().flat_map(|input| field(3, input)));
        content.extend(test.outputs.iter().flat_map(|output| field(4, output)));
        bytes.extend(field(1, &content));
    }
    bytes
}

/// A field of bytes as the wire carries it.
pub fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(content);
    bytes
}

/// What a model computes from what.
#[derive(Clone, Debug)]
pub struct Interface {
    /// The operations of its nodes, in order.
    pub operations: Vec<String>,
    /// The names of its inputs, and whether they are tensors.
    pub inputs: Vec<(String, bool)>,
    /// The names of its outputs.
    pub outputs: Vec<String>,
}

/// The interface of a model.
///
/// # Errors
/// If it cannot be read.
pub fn interface(model: &[u8]) -> Result<Interface, String> {
    let graph = Model::decode(model)?.graph.unwrap_or_default();
    Ok(Interface {
        operations: graph.nodes.into_iter().map(|node| node.op).collect(),
        inputs: graph.inputs.into_iter().map(|input| (input.name, input.tensor.is_some())).collect(),
        outputs: graph.outputs.into_iter().map(|output| output.name).collect(),
    })
}

/// A tensor of a file by itself.
#[derive(Clone, Debug)]
pub struct Data {
    /// The shape as it is written.
    pub shape: Vec<i64>,
    /// The elements, finite or not; or why they cannot be read.
    pub values: Result<ArrayD<f64>, String>,
}

/// The tensor in a file by itself.
///
/// # Errors
/// If it cannot be read, or is no tensor.
pub fn tensor(file: &[u8]) -> Result<Data, String> {
    let tensor = Tensor::decode(file)?;
    Ok(Data { values: tensor.numbers(None).map_err(|fault| format!("{fault:?}")), shape: tensor.dims })
}
