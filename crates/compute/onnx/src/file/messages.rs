//! The messages of an ONNX file, as far as an importer needs them.
//!
//! Field numbers are those of the specification, <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>. Unknown
//! fields are skipped. Graphs inside attributes (the bodies of `If` and `Loop`) are noticed but not read, so nothing
//! recurses.

use std::sync::Arc;

use super::wire::{Field, Reader};

/// Messages and strings that a file may have; the largest networks have some ten thousand. It bounds what is allocated
/// for a file of many empty parts to about a hundred MB.
const MAX_PARTS: usize = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) opsets: Vec<OperatorSet>,
    pub(crate) graph: Option<Graph>,
}

#[derive(Debug, Default)]
pub(crate) struct OperatorSet {
    pub(crate) domain: String,
    pub(crate) version: i64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) initializers: Vec<Arc<Tensor>>,
    pub(crate) has_sparse: bool,
    pub(crate) inputs: Vec<ValueInfo>,
    pub(crate) outputs: Vec<ValueInfo>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) domain: String,
    pub(crate) attributes: Vec<Attribute>,
}

impl Node {
    /// What to call the node: its name, or that of its first output.
    pub(crate) fn label(&self) -> &str {
        if self.name.is_empty() { self.outputs.first().map_or("", String::as_str) } else { &self.name }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) kind: u64,
    pub(crate) float: Option<f32>,
    pub(crate) int: Option<i64>,
    pub(crate) string: Option<String>,
    pub(crate) tensor: Option<Arc<Tensor>>,
    pub(crate) floats: Vec<f32>,
    pub(crate) ints: Vec<i64>,
}

/// A tensor as the file has it: in one of the typed lists, as raw little-endian bytes, or in another file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) dims: Vec<i64>,
    pub(crate) element: u64,
    pub(crate) raw: Option<Vec<u8>>,
    pub(crate) floats: Vec<f32>,
    pub(crate) doubles: Vec<f64>,
    /// `int32_data` and `int64_data`, of which a tensor has one.
    pub(crate) ints: Vec<i64>,
    pub(crate) is_external: bool,
    pub(crate) external: Vec<Entry>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// A model's input or output.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueInfo {
    pub(crate) name: String,
    /// `None` if it is no tensor.
    pub(crate) tensor: Option<TensorType>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct TensorType {
    pub(crate) element: u64,
    pub(crate) shape: Option<Vec<Dimension>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Dimension {
    pub(crate) size: Option<i64>,
    pub(crate) symbol: String,
}

/// A message that can be filled field by field.
trait Message: Default {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String>;
}

/// Counts the parts of a file.
struct Parts(usize);

impl Parts {
    fn count(&mut self) -> Result<(), String> {
        self.0 += 1;
        if self.0 > MAX_PARTS { Err(format!("more than {MAX_PARTS} parts")) } else { Ok(()) }
    }

    fn message<M: Message>(&mut self, field: Field<'_>) -> Result<M, String> {
        let mut message = M::default();
        self.merge(&mut message, field)?;
        Ok(message)
    }

    fn merge<M: Message>(&mut self, message: &mut M, field: Field<'_>) -> Result<(), String> {
        self.count()?;
        let mut reader = Reader::new(bytes(field)?);
        while !reader.is_empty() {
            let (number, field) = reader.field()?;
            message.set(number, field, self)?;
        }
        Ok(())
    }

    fn string(&mut self, field: Field<'_>) -> Result<String, String> {
        self.count()?;
        let text = std::str::from_utf8(bytes(field)?).map_err(|_| "corrupt: a name is not UTF-8")?;
        Ok(text.to_string())
    }
}

impl Model {
    /// Reads a whole file.
    pub(crate) fn decode(file: &[u8]) -> Result<Model, String> {
        Parts(0).message(Field::Bytes(file))
    }
}

impl Graph {
    /// Reads what [`encode::graph_alone`](super::encode::graph_alone) wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Graph, String> {
        Parts(0).message(Field::Bytes(bytes))
    }
}

impl Tensor {
    /// Reads a file that is one tensor.
    pub(crate) fn decode(file: &[u8]) -> Result<Tensor, String> {
        Parts(0).message(Field::Bytes(file))
    }
}

impl Message for Model {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            7 => parts.merge(self.graph.get_or_insert_default(), field)?,
            8 => self.opsets.push(parts.message(field)?),
            _ => {}
        }
        Ok(())
    }
}

impl Message for OperatorSet {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            1 => self.domain = parts.string(field)?,
            2 => self.version = int(field)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Graph {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            1 => self.nodes.push(parts.message(field)?),
            5 => self.initializers.push(Arc::new(parts.message(field)?)),
            11 => self.inputs.push(parts.message(field)?),
            12 => self.outputs.push(parts.message(field)?),
            15 => self.has_sparse = true,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Node {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            1 => self.inputs.push(parts.string(field)?),
            2 => self.outputs.push(parts.string(field)?),
            3 => self.name = parts.string(field)?,
            4 => self.op = parts.string(field)?,
            5 => self.attributes.push(parts.message(field)?),
            7 => self.domain = parts.string(field)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Attribute {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            1 => self.name = parts.string(field)?,
            2 => self.float = Some(f32::from_le_bytes(fixed32(field)?)),
            3 => self.int = Some(int(field)?),
            4 => self.string = Some(String::from_utf8_lossy(bytes(field)?).into_owned()),
            5 => self.tensor = Some(Arc::new(parts.message(field)?)),
            7 => floats(field, &mut self.floats)?,
            8 => ints(field, &mut self.ints)?,
            20 => self.kind = varint(field)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Tensor {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            1 => ints(field, &mut self.dims)?,
            2 => self.element = varint(field)?,
            4 => floats(field, &mut self.floats)?,
            5 | 7 => ints(field, &mut self.ints)?,
            8 => self.name = parts.string(field)?,
            9 => self.raw = Some(bytes(field)?.to_vec()),
            10 => doubles(field, &mut self.doubles)?,
            13 => self.external.push(parts.message(field)?),
            14 => self.is_external = varint(field)? == 1,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Entry {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            1 => self.key = parts.string(field)?,
            2 => self.value = parts.string(field)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for ValueInfo {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            1 => self.name = parts.string(field)?,
            2 => self.tensor = parts.message::<AnyType>(field)?.0,
            _ => {}
        }
        Ok(())
    }
}

/// A type, of which only that of a tensor is kept.
#[derive(Default)]
struct AnyType(Option<TensorType>);

impl Message for AnyType {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        if number == 1 {
            self.0 = Some(parts.message(field)?);
        }
        Ok(())
    }
}

impl Message for TensorType {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            1 => self.element = varint(field)?,
            2 => self.shape = Some(parts.message::<Shape>(field)?.0),
            _ => {}
        }
        Ok(())
    }
}

#[derive(Default)]
struct Shape(Vec<Dimension>);

impl Message for Shape {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        if number == 1 {
            self.0.push(parts.message(field)?);
        }
        Ok(())
    }
}

impl Message for Dimension {
    fn set(&mut self, number: u64, field: Field<'_>, parts: &mut Parts) -> Result<(), String> {
        match number {
            1 => self.size = Some(int(field)?),
            2 => self.symbol = parts.string(field)?,
            _ => {}
        }
        Ok(())
    }
}

fn wrong_type<T>() -> Result<T, String> {
    Err("corrupt: a field has another type than ONNX gives it".to_string())
}

fn bytes(field: Field<'_>) -> Result<&[u8], String> {
    if let Field::Bytes(bytes) = field { Ok(bytes) } else { wrong_type() }
}

fn varint(field: Field<'_>) -> Result<u64, String> {
    if let Field::Varint(value) = field { Ok(value) } else { wrong_type() }
}

fn int(field: Field<'_>) -> Result<i64, String> {
    varint(field).map(|value| value as i64)
}

fn fixed32(field: Field<'_>) -> Result<[u8; 4], String> {
    if let Field::Fixed32(bytes) = field { Ok(bytes) } else { wrong_type() }
}

/// Appends repeated integers, one by one or packed.
fn ints(field: Field<'_>, list: &mut Vec<i64>) -> Result<(), String> {
    if let Field::Varint(value) = field {
        list.push(value as i64);
        return Ok(());
    }
    let mut reader = Reader::new(bytes(field)?);
    while !reader.is_empty() {
        list.push(reader.varint()? as i64);
    }
    Ok(())
}

/// Appends repeated floats, one by one or packed.
fn floats(field: Field<'_>, list: &mut Vec<f32>) -> Result<(), String> {
    let mut reader = match &field {
        Field::Fixed32(bytes) => Reader::new(bytes),
        Field::Bytes(bytes) => Reader::new(bytes),
        _ => return wrong_type(),
    };
    while !reader.is_empty() {
        list.push(f32::from_le_bytes(reader.fixed()?));
    }
    Ok(())
}

/// Appends repeated doubles, one by one or packed.
fn doubles(field: Field<'_>, list: &mut Vec<f64>) -> Result<(), String> {
    let mut reader = match &field {
        Field::Fixed64(bytes) => Reader::new(bytes),
        Field::Bytes(bytes) => Reader::new(bytes),
        _ => return wrong_type(),
    };
    while !reader.is_empty() {
        list.push(f64::from_le_bytes(reader.fixed()?));
    }
    Ok(())
}
