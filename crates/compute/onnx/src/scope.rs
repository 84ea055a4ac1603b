//! The state of building a graph from a file: what each name stands for, and what was collected on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use ndarray::ArrayD;
use tacita_graph::{DType, Graph, Inputs, NodeId, Owner, Role, Visibility, dims, functions, ops};

use crate::error::{Fault, corrupt, refuse};
use crate::file::messages::Tensor;
use crate::file::tensor::{is_float, is_integer, unsupported};
use crate::idioms;
use crate::model::PublicConstant;
use crate::value::{Reals, Sizes, Softmax, Value};

/// The most numbers of a public tensor that are shown.
const SHOWN: usize = 64;

/// A public tensor for people: the number, or the list; of many, the first and how many there are.
fn shown<T: std::fmt::Display>(shape: &[usize], mut elements: impl ExactSizeIterator<Item = T>) -> String {
    let count = elements.len();
    let first: Vec<String> = elements.by_ref().take(SHOWN).map(|element| element.to_string()).collect();
    match (shape, count > SHOWN) {
        ([], _) => first.concat(),
        ([_], false) => format!("[{}]", first.join(", ")),
        (_, false) => format!("[{}] of shape {shape:?}", first.join(", ")),
        (_, true) => format!("[{}, ...], {count} of shape {shape:?}", first.join(", ")),
    }
}

/// The most numbers of the file that become others in a cast: a file may cast its tensors again and again.
const MAX_CONVERTED: usize = 1 << 22;

/// Everything that building collects.
pub(crate) struct Scope<'a> {
    pub(crate) graph: &'a mut Graph,
    /// The version of ONNX's operators that the file is written for.
    pub(crate) opset: i64,
    pub(crate) parameters: Inputs,
    pub(crate) notes: Vec<String>,
    pub(crate) public_constants: Vec<PublicConstant>,
    owner: Owner,
    prefix: &'a str,
    folder: Option<&'a Path>,
    values: BTreeMap<String, Value>,
    weights: BTreeMap<String, NodeId>,
    /// Tensors whose one number says what the operations are, and the node that uses it: see `idioms`.
    known: BTreeMap<&'a str, &'a str>,
    /// How many numbers of the file became others in a cast.
    converted: usize,
    /// The softmaxes that are computed, by logits, axes and whether of the logarithm.
    softmaxes: BTreeMap<(NodeId, Vec<usize>, bool), NodeId>,
    /// Whether parameters get their numbers; a template has none.
    with_numbers: bool,
    /// Tensors of the file whose numbers become public, by address.
    read: BTreeSet<*const Tensor>,
    /// What tensors that were converted were made of.
    origins: BTreeMap<*const Tensor, Arc<Tensor>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        graph: &'a mut Graph,
        owner: Owner,
        prefix: &'a str,
        folder: Option<&'a Path>,
        opset: i64,
        known: BTreeMap<&'a str, &'a str>,
        with_numbers: bool,
    ) -> Scope<'a> {
        Scope {
            graph,
            opset,
            parameters: Inputs::new(),
            notes: Vec::new(),
            public_constants: Vec::new(),
            owner,
            prefix,
            folder,
            values: BTreeMap::new(),
            weights: BTreeMap::new(),
            known,
            converted: 0,
            softmaxes: BTreeMap::new(),
            with_numbers,
            read: BTreeSet::new(),
            origins: BTreeMap::new(),
        }
    }

    /// The tensors of the file whose numbers became public, by address.
    pub(crate) fn read(&self) -> &BTreeSet<*const Tensor> {
        &self.read
    }

    /// Notes that the numbers of a tensor become public.
    fn mark(&mut self, tensor: &Arc<Tensor>) {
        let mut address = Arc::as_ptr(tensor);
        while let Some(origin) = self.origins.get(&address) {
            address = Arc::as_ptr(origin);
        }
        self.read.insert(address);
    }

    /// Says what `name` stands for from here on.
    pub(crate) fn define(&mut self, name: &str, value: Value) -> Result<(), Fault> {
        match self.values.insert(name.to_string(), value) {
            Some(_) => refuse(format!("{name:?} is defined twice")),
            None => Ok(()),
        }
    }

    /// What `name` stands for.
    pub(crate) fn value(&self, name: &str) -> Result<Value, Fault> {
        match self.values.get(name) {
            Some(value) => Ok(value.clone()),
            None => refuse(format!("its input {name:?} is not the output of any earlier node")),
        }
    }

    /// A value to compute with; a tensor of the file becomes a private input of its owner.
    pub(crate) fn node(&mut self, value: &Value) -> Result<NodeId, Fault> {
        match value {
            Value::Node(id) => Ok(*id),
            Value::Tensor(name, tensor) => self.weight(name, tensor),
            Value::Softmax(softmax) => self.softmax(softmax),
            Value::Sizes(sizes) => {
                let list = sizes.list.iter().map(|&size| size as f64).collect();
                let fixed = self.filled(&Reals { list, is_scalar: sizes.is_scalar })?;
                let (to, rounding) = (DType::Int, ops::ToWhole::TowardsZero);
                Ok(self.graph.add(ops::Cast { to, rounding }, &[fixed], "shape")?)
            }
            Value::Reals(reals) => self.filled(reals),
        }
    }

    /// Numbers that follow from shapes as a public tensor, which is filled with one number.
    fn filled(&mut self, reals: &Reals) -> Result<NodeId, Fault> {
        match reals.list[..] {
            [value, ref others @ ..] if others.iter().all(|other| *other == value) => {
                Ok(self.graph.add(ops::Constant { shape: dims(&reals.shape()), value }, &[], "shape")?)
            }
            _ => refuse("it computes with several numbers of a shape as with data"),
        }
    }

    /// Numbers that are computed with as those of shapes are, beside one that is: those of the file only where they say what
    /// the operation is.
    pub(crate) fn reals(&mut self, value: &Value, used_by: &str) -> Result<Option<Reals>, Fault> {
        let Value::Tensor(name, tensor) = value else {
            return Ok(if let Value::Reals(reals) = value { Some(reals.clone()) } else { None });
        };
        let is_one = tensor.dims.len() <= 1 && tensor.dims.iter().all(|&size| size == 1);
        if !is_float(tensor.element) || !is_one || tensor.has_no_numbers() {
            return Ok(None);
        }
        let array = tensor.floats(self.folder)?;
        let number = array.sum();
        if array.len() != 1 || !idioms::defines(number) {
            return Ok(None);
        }
        self.mark(tensor);
        self.publish(name, (number as f32).to_string(), used_by);
        Ok(Some(Reals { list: vec![number], is_scalar: tensor.dims.is_empty() }))
    }

    /// A tensor of the file as one of another kind, under a name of its own.
    pub(crate) fn converted(&mut self, tensor: &Arc<Tensor>, to: DType, name: &str) -> Result<Value, Fault> {
        self.converted = self.converted.saturating_add(tensor.len()?);
        if self.converted > MAX_CONVERTED {
            return refuse(format!("more than {MAX_CONVERTED} numbers of the file are converted"));
        }
        let converted = Tensor { name: name.to_string(), ..tensor.converted(to, self.folder)? };
        let converted = Arc::new(converted);
        self.origins.insert(Arc::as_ptr(&converted), tensor.clone());
        Ok(Value::Tensor(name.to_string(), converted))
    }

    fn weight(&mut self, name: &str, tensor: &Arc<Tensor>) -> Result<NodeId, Fault> {
        if let Some(&id) = self.weights.get(name) {
            return Ok(id);
        }
        if is_integer(tensor.element) {
            return refuse(format!("it computes with the integers of tensor {name:?} as with data"));
        }
        let is_one = tensor.len()? == 1 && !tensor.has_no_numbers();
        if let (Some(&used_by), true) = (self.known.get(name), is_one) {
            let array = tensor.floats(self.folder)?;
            let value = array.sum();
            if idioms::defines(value) {
                self.mark(tensor);
                self.publish(name, (value as f32).to_string(), used_by);
                let id = self.graph.add(ops::Constant { shape: dims(array.shape()), value }, &[], name)?;
                self.weights.insert(name.to_string(), id);
                return Ok(id);
            }
        }
        let full_name = format!("{}{name}", self.prefix);
        let visibility = Visibility::Private(self.owner);
        let id = self.graph.input(&full_name, &dims(&tensor.shape()?), visibility, Role::Parameter)?;
        self.weights.insert(name.to_string(), id);
        if self.with_numbers {
            self.parameters.insert(full_name, tensor.weights(self.folder)?);
        }
        Ok(id)
    }

    /// A tensor of integers of the file as a private input of its owner, of this kind.
    pub(crate) fn integers(
        &mut self,
        name: &str,
        tensor: &Arc<Tensor>,
        dtype: DType,
    ) -> Result<NodeId, Fault> {
        let key = format!("{name}:{dtype}");
        if let Some(&id) = self.weights.get(&key) {
            return Ok(id);
        }
        // one input for each kind that the tensor is used as
        let full_name = format!("{}{key}", self.prefix);
        let visibility = Visibility::Private(self.owner);
        let (shape, role) = (dims(&tensor.shape()?), Role::Parameter);
        let id = self.graph.input_of(&full_name, &shape, visibility, role, dtype)?;
        self.weights.insert(key, id);
        if self.with_numbers {
            self.parameters.insert(full_name, tensor.integers(self.folder)?);
        }
        Ok(id)
    }

    /// A softmax that something computes with.
    fn softmax(&mut self, softmax: &Softmax) -> Result<NodeId, Fault> {
        let Softmax { logits, axes, node, op } = softmax;
        let key = (*logits, axes.clone(), op == "LogSoftmax");
        if let Some(&id) = self.softmaxes.get(&key) {
            return Ok(id);
        }
        let axes: Vec<isize> = axes.iter().map(|&axis| axis as isize).collect();
        let id = functions::softmax(self.graph, *logits, &axes, key.2, node)?;
        self.softmaxes.insert(key, id);
        Ok(id)
    }

    /// Integers that an operator needs to know; those of the file become public.
    pub(crate) fn sizes(&mut self, value: &Value, used_by: &str) -> Result<Sizes, Fault> {
        match value {
            Value::Sizes(sizes) => Ok(sizes.clone()),
            Value::Tensor(name, tensor) if is_integer(tensor.element) => {
                let array = tensor.integers(self.folder)?;
                if array.ndim() > 1 {
                    return refuse(format!("integers in tensor {name:?} of {} axes", array.ndim()));
                }
                let is_scalar = array.ndim() == 0;
                let list: Vec<i64> = array.into_iter().collect();
                let shown = if is_scalar { format!("{}", list[0]) } else { format!("{list:?}") };
                let sizes = Sizes::vector(list.into_iter().collect())?;
                self.mark(tensor);
                self.publish(name, shown, used_by);
                Ok(Sizes { is_scalar, ..sizes })
            }
            Value::Tensor(name, tensor) if !is_float(tensor.element) => {
                refuse(format!("tensor {name:?}: {}", unsupported(tensor.element)))
            }
            Value::Tensor(name, _) => refuse(format!("tensor {name:?} must be of integers here")),
            Value::Reals(_) => refuse("it must have integers here, and has real numbers"),
            Value::Node(_) | Value::Softmax(_) => refuse(format!(
                "shapes, axes and indices that depend on data are not supported: they would reveal it; the one given \
                 is {}",
                self.visibility(value)
            )),
        }
    }

    /// Who knows a value, in words.
    fn visibility(&self, value: &Value) -> String {
        let (Value::Node(id) | Value::Softmax(Softmax { logits: id, .. })) = value else {
            return "public".to_string();
        };
        match self.graph.node(*id).ty.visibility {
            Visibility::Private(owner) => format!("private to {:?}", self.graph.owners()[owner.0 as usize]),
            visibility => visibility.to_string(),
        }
    }

    /// Integers of any shape that an operator needs to know; those of the file become public.
    pub(crate) fn indices(&mut self, value: &Value, used_by: &str) -> Result<ArrayD<i64>, Fault> {
        let Value::Tensor(name, tensor) = value else {
            let sizes = self.sizes(value, used_by)?;
            let shape: &[usize] = if sizes.is_scalar { &[] } else { &[sizes.list.len()] };
            return ArrayD::from_shape_vec(shape, sizes.list)
                .or_else(|error| corrupt(format!("integers computed from shapes: {error}")));
        };
        let array = tensor.integers(self.folder)?;
        self.mark(tensor);
        self.publish(name, shown(array.shape(), array.iter()), used_by);
        Ok(array)
    }

    /// Real numbers that an operator needs to know, and so become public.
    pub(crate) fn public_numbers(&mut self, value: &Value, used_by: &str) -> Result<Vec<f64>, Fault> {
        let (name, tensor) = match value {
            Value::Tensor(name, tensor) => (name, tensor),
            Value::Reals(reals) => return Ok(reals.list.clone()),
            _ => {
                let reason = "numbers that are computed are not supported here, only those from the file";
                return refuse(format!("{reason}; the one given is {}", self.visibility(value)));
            }
        };
        let array = tensor.floats(self.folder)?;
        self.mark(tensor);
        if !array.is_empty() {
            self.publish(name, shown(array.shape(), array.iter()), used_by);
        }
        Ok(array.into_iter().collect())
    }

    /// One real number that an operator needs to know, and so becomes public.
    pub(crate) fn public_number(&mut self, value: &Value, used_by: &str) -> Result<f64, Fault> {
        let (name, tensor) = match value {
            Value::Tensor(name, tensor) => (name, tensor),
            Value::Reals(Reals { list, .. }) if list.len() == 1 => return Ok(list[0]),
            _ => {
                let reason =
                    "a bound or fill value that is computed is not supported, only one from the file";
                return refuse(format!("{reason}; the one given is {}", self.visibility(value)));
            }
        };
        // Bounds may be infinite; a tensor of weights may not.
        let number = match (tensor.floats.as_slice(), &tensor.raw) {
            ([infinite], None) if infinite.is_infinite() => f64::from(*infinite),
            (_, Some(raw)) if tensor.element == 1 && raw.as_slice() == f32::INFINITY.to_le_bytes() => {
                f64::INFINITY
            }
            (_, Some(raw)) if tensor.element == 1 && raw.as_slice() == f32::NEG_INFINITY.to_le_bytes() => {
                f64::NEG_INFINITY
            }
            _ => {
                let array = tensor.floats(self.folder)?;
                match array.iter().copied().collect::<Vec<f64>>()[..] {
                    [number] => number,
                    ref other => {
                        return refuse(format!("tensor {name:?} has {} elements, expected one", other.len()));
                    }
                }
            }
        };
        self.mark(tensor);
        self.publish(name, number.to_string(), used_by);
        Ok(number)
    }

    /// Whether a weight of the file has a zero.
    pub(crate) fn has_zero(&self, value: &Value) -> Result<bool, Fault> {
        match value {
            // of a template the owner has looked when it was made
            Value::Tensor(_, tensor) if !tensor.has_no_numbers() => {
                Ok(tensor.floats(self.folder)?.iter().any(|&weight| weight == 0.0))
            }
            _ => Ok(false),
        }
    }

    /// Notes that everyone learns a number of the file.
    pub(crate) fn publish(&mut self, name: &str, value: String, used_by: &str) {
        let constant = PublicConstant { name: name.to_string(), value, used_by: used_by.to_string() };
        // An operator may read an input more than once.
        if !self.public_constants.iter().rev().take(8).any(|earlier| *earlier == constant) {
            self.public_constants.push(constant);
        }
    }
}
