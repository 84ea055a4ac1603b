//! One node of the file while it is turned into nodes of the graph: its inputs and attributes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use ndarray::ArrayD;
use tacita_graph::{DType, Graph, GraphError, NodeId, Op, ops};

use crate::error::{Fault, corrupt, refuse};
use crate::file::messages::{Attribute, Node, Tensor};
use crate::scope::Scope;
use crate::value::{Sizes, Value};

/// The numbers of attribute types in a file.
pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT: u64 = 2;
pub(crate) const STRING: u64 = 3;
pub(crate) const TENSOR: u64 = 4;
const FLOATS: u64 = 6;
pub(crate) const INTS: u64 = 7;

/// The largest kernel, stride, dilation, padding or group count that is believed.
const MAX_COUNT: i64 = 1 << 16;

/// A node and what it can reach.
pub(crate) struct Call<'s, 'a> {
    pub(crate) scope: &'s mut Scope<'a>,
    node: &'s Node,
    read: RefCell<BTreeSet<&'s str>>,
}

impl<'s, 'a> Call<'s, 'a> {
    pub(crate) fn new(scope: &'s mut Scope<'a>, node: &'s Node) -> Call<'s, 'a> {
        Call { scope, node, read: RefCell::default() }
    }

    /// The node's name.
    pub(crate) fn name(&self) -> &'s str {
        self.node.label()
    }

    /// The operation as the file calls it.
    pub(crate) fn op(&self) -> &'s str {
        &self.node.op
    }

    /// The name of the first output.
    pub(crate) fn output(&self) -> &'s str {
        self.node.outputs.first().map_or("", String::as_str)
    }

    pub(crate) fn opset(&self) -> i64 {
        self.scope.opset
    }

    /// Adds an operation under the node's name.
    pub(crate) fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> Result<NodeId, Fault> {
        Ok(self.scope.graph.add(op, inputs, self.node.label())?)
    }

    /// A public number, under the node's name.
    pub(crate) fn number(&mut self, value: f64) -> Result<NodeId, Fault> {
        self.add(ops::Constant { shape: Vec::new(), value }, &[])
    }

    /// A public integer that follows from shapes.
    pub(crate) fn of_shape(&mut self, value: i64) -> Result<NodeId, Fault> {
        self.scope.node(&Value::Sizes(Sizes { list: vec![value], is_scalar: true }))
    }

    /// Whether an output is there, and named.
    pub(crate) fn has_output(&self, index: usize) -> bool {
        self.node.outputs.get(index).is_some_and(|name| !name.is_empty())
    }

    /// Adds what a function of the graph library does, under the node's name.
    pub(crate) fn apply<T>(
        &mut self,
        function: impl FnOnce(&mut Graph, &str) -> Result<T, GraphError>,
    ) -> Result<T, Fault> {
        Ok(function(self.scope.graph, self.node.label())?)
    }

    pub(crate) fn shape(&self, id: NodeId) -> Vec<usize> {
        self.scope.graph.node(id).ty.shape.clone()
    }

    pub(crate) fn dtype(&self, id: NodeId) -> DType {
        self.scope.graph.node(id).ty.dtype
    }

    /// The number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.node.outputs.len()
    }

    /// The number of inputs, absent ones in the middle included.
    pub(crate) fn inputs(&self) -> usize {
        self.node.inputs.len()
    }

    /// An input that may be absent.
    pub(crate) fn optional(&self, index: usize) -> Result<Option<Value>, Fault> {
        match self.node.inputs.get(index).filter(|name| !name.is_empty()) {
            Some(name) => self.scope.value(name).map(Some),
            None => Ok(None),
        }
    }

    /// An input.
    pub(crate) fn value(&self, index: usize) -> Result<Value, Fault> {
        match self.optional(index)? {
            Some(value) => Ok(value),
            None => corrupt(format!("node {:?} ({}) lacks input {index}", self.name(), self.op())),
        }
    }

    /// Whether these inputs are integers, of which some follow from shapes.
    pub(crate) fn are_of_shapes(&self, range: Range<usize>) -> Result<bool, Fault> {
        let values = range.map(|index| self.value(index)).collect::<Result<Vec<_>, _>>()?;
        Ok(values.iter().all(Value::is_integers)
            && values.iter().any(|value| matches!(value, Value::Sizes(_))))
    }

    /// An input to compute with.
    pub(crate) fn operand(&mut self, index: usize) -> Result<NodeId, Fault> {
        let value = self.value(index)?;
        self.scope.node(&value)
    }

    /// An input to compute with, of this kind if it is a tensor of integers in the file.
    pub(crate) fn operand_of(&mut self, index: usize, dtype: DType) -> Result<NodeId, Fault> {
        let value = self.value(index)?;
        match &value {
            Value::Tensor(name, tensor) if value.is_integers() => self.scope.integers(name, tensor, dtype),
            _ => self.scope.node(&value),
        }
    }

    /// An input to compute with that may be absent.
    pub(crate) fn optional_operand(&mut self, index: usize) -> Result<Option<NodeId>, Fault> {
        self.optional(index)?.map(|value| self.scope.node(&value)).transpose()
    }

    /// Integers that the operation needs to know.
    pub(crate) fn sizes(&mut self, index: usize) -> Result<Sizes, Fault> {
        let value = self.value(index)?;
        self.scope.sizes(&value, self.node.label())
    }

    /// Integers of any shape that the operation needs to know: indices.
    pub(crate) fn indices(&mut self, index: usize) -> Result<ArrayD<i64>, Fault> {
        let value = self.value(index)?;
        self.scope.indices(&value, self.node.label())
    }

    /// Known integers that may be absent.
    pub(crate) fn optional_ints(&mut self, index: usize) -> Result<Option<Vec<i64>>, Fault> {
        match self.optional(index)? {
            Some(value) => Ok(Some(self.scope.sizes(&value, self.node.label())?.list)),
            None => Ok(None),
        }
    }

    /// A real number that the operation needs to know, if it is there.
    pub(crate) fn optional_number(&mut self, index: usize) -> Result<Option<f64>, Fault> {
        self.optional(index)?.map(|value| self.scope.public_number(&value, self.node.label())).transpose()
    }

    /// Real numbers that the operation needs to know, if they are there; none of them counts as absent.
    pub(crate) fn optional_numbers(&mut self, index: usize) -> Result<Option<Vec<f64>>, Fault> {
        let Some(value) = self.optional(index)? else { return Ok(None) };
        let list = self.scope.public_numbers(&value, self.node.label())?;
        Ok(Some(list).filter(|list| !list.is_empty()))
    }

    fn attribute(&self, name: &'s str, dtype: u64) -> Result<Option<&'s Attribute>, Fault> {
        self.read.borrow_mut().insert(name);
        match self.node.attributes.iter().find(|attribute| attribute.name == name) {
            Some(attribute) if attribute.kind != dtype && attribute.kind != 0 => {
                refuse(format!("attribute {name:?} has the wrong type"))
            }
            other => Ok(other),
        }
    }

    pub(crate) fn int(&self, name: &'s str) -> Result<Option<i64>, Fault> {
        Ok(self.attribute(name, INT)?.map(|attribute| attribute.int.unwrap_or(0)))
    }

    pub(crate) fn flag(&self, name: &'s str) -> Result<bool, Fault> {
        Ok(self.int(name)?.unwrap_or(0) != 0)
    }

    pub(crate) fn ints(&self, name: &'s str) -> Result<Option<&'s [i64]>, Fault> {
        Ok(self.attribute(name, INTS)?.map(|attribute| attribute.ints.as_slice()))
    }

    pub(crate) fn floats(&self, name: &'s str) -> Result<Option<&'s [f32]>, Fault> {
        Ok(self.attribute(name, FLOATS)?.map(|attribute| attribute.floats.as_slice()))
    }

    pub(crate) fn text(&self, name: &'s str) -> Result<Option<&'s str>, Fault> {
        Ok(self.attribute(name, STRING)?.map(|attribute| attribute.string.as_deref().unwrap_or("")))
    }

    pub(crate) fn tensor(&self, name: &'s str) -> Result<Option<&'s Arc<Tensor>>, Fault> {
        Ok(self.attribute(name, TENSOR)?.and_then(|attribute| attribute.tensor.as_ref()))
    }

    /// A real attribute that stays the owner's, or matters to nobody.
    pub(crate) fn raw_float(&self, name: &'s str) -> Result<Option<f32>, Fault> {
        Ok(self.attribute(name, FLOAT)?.map(|attribute| attribute.float.unwrap_or(0.0)))
    }

    /// A real attribute that becomes public.
    pub(crate) fn float(&mut self, name: &'s str) -> Result<Option<f64>, Fault> {
        let Some(value) = self.raw_float(name)? else { return Ok(None) };
        // As the file's author wrote it: 1e-5, not the nearest f32 in f64 digits.
        self.scope.publish(name, value.to_string(), self.node.label());
        Ok(Some(value.into()))
    }

    /// A real attribute that becomes public, and so does the number that is meant where it is absent.
    pub(crate) fn float_or(&mut self, name: &'s str, default: f32) -> Result<f64, Fault> {
        let value = self.raw_float(name)?.unwrap_or(default);
        self.scope.publish(name, value.to_string(), self.node.label());
        Ok(value.into())
    }

    /// An attribute of one count for each of `rank` axes; `default` where it is absent.
    pub(crate) fn counts(&self, name: &'s str, rank: usize, default: usize) -> Result<Vec<usize>, Fault> {
        let Some(list) = self.ints(name)? else { return Ok(vec![default; rank]) };
        if list.len() != rank {
            return refuse(format!("{name} {list:?} for {rank} axes"));
        }
        list.iter().map(|&count| checked_count(name, count)).collect()
    }

    /// An attribute of one count.
    pub(crate) fn count(&self, name: &'s str, default: usize) -> Result<usize, Fault> {
        self.int(name)?.map_or(Ok(default), |count| checked_count(name, count))
    }

    /// Refuses attributes that the operator did not look at: they may change its meaning.
    pub(crate) fn require_all_read(&self) -> Result<(), Fault> {
        let read = self.read.borrow();
        match self.node.attributes.iter().find(|attribute| !read.contains(attribute.name.as_str())) {
            Some(unread) => refuse(format!("attribute {:?} is not supported", unread.name)),
            None => Ok(()),
        }
    }
}

/// A count that is not negative or absurd.
pub(crate) fn checked_count(what: &str, count: i64) -> Result<usize, Fault> {
    match usize::try_from(count) {
        Ok(positive) if count <= MAX_COUNT => Ok(positive),
        _ if count < 0 => refuse(format!("{what}: {count} is negative, which is not supported")),
        _ => refuse(format!("{what}: {count} is above {MAX_COUNT}")),
    }
}
