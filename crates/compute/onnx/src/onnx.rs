//! An ONNX file: read and checked as a whole, then built onto a graph as often as needed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use std::sync::Arc;

use tacita_graph::{DType, Graph, Inputs, NodeId, Owner};

use crate::call::{self, Call};
use crate::error::{Fault, ImportError, corrupt, refuse};
use crate::file::messages::{self, Attribute, Dimension, Node, Tensor, TensorType, ValueInfo};
use crate::file::tensor::{FLOAT32, dtype, named};
use crate::idioms;
use crate::model::PublicConstant;
use crate::operators;
use crate::scope::Scope;
use crate::sizes::{AxisSize, BATCH, Sizes, show_axes, sizes_of};
use crate::value::Value;

/// The versions of ONNX's operators whose meaning the operators here know. Before 7, broadcasting was different.
pub const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

/// Names by which exporters call the batch.
const BATCHES: [&str; 3] = [BATCH, "batch_size", "N"];

/// An ONNX file in memory.
#[derive(Clone, Debug)]
pub struct Onnx {
    pub(crate) file: String,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) graph: messages::Graph,
    pub(crate) opset: i64,
    /// Sizes that the file leaves open and that are fixed all the same.
    pub(crate) fixed: Sizes,
    input: String,
    input_shape: Vec<AxisSize>,
    input_kind: DType,
}

/// What [`Onnx::build`] added to a graph.
#[derive(Clone, Debug)]
pub struct Built {
    /// The model's outputs.
    pub outputs: Vec<Output>,
    /// The owner's weights, by the name of their input of the graph.
    pub parameters: Inputs,
    /// What a user should know, one sentence each.
    pub notes: Vec<String>,
    /// The numbers of the file that the graph makes public.
    pub public_constants: Vec<PublicConstant>,
}

/// An output of a model.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name in the file.
    pub name: String,
    /// Its node; that of the logits where a softmax comes last.
    pub node: NodeId,
    /// The softmax that is left out, if there is one.
    pub softmax: Option<FinalSoftmax>,
}

/// A softmax at the end of a model. It keeps the order of the logits, so the largest is the same before and after, and
/// who receives the logits can apply it in the clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalSoftmax {
    /// Its node's name.
    pub node: String,
    /// `Softmax` or `LogSoftmax`.
    pub op: String,
    /// The axis over which it normalises; several for a model of opset 12 or before whose result has more axes.
    pub axes: Vec<usize>,
}

impl Onnx {
    /// Reads a file. Weights in files beside it are read when the graph is built.
    ///
    /// # Errors
    /// [`ImportError::File`] if it is missing, truncated or damaged; [`ImportError::Refused`] if its operators are of
    /// an unknown version, or it has not exactly one input, of floats, integers or bits, of a known number of axes.
    pub fn open(path: &Path) -> Result<Onnx, ImportError> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| ImportError::File {
            file: file.clone(),
            reason: format!("cannot be read: {error}"),
        })?;
        let folder =
            path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
        Onnx::decode(&bytes, file, folder.map(Path::to_path_buf))
    }

    /// Reads a file's bytes, called `file` in errors. Weights in other files cannot be found then.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: &[u8], file: &str) -> Result<Onnx, ImportError> {
        Onnx::decode(bytes, file.to_string(), None)
    }

    fn decode(bytes: &[u8], file: String, folder: Option<PathBuf>) -> Result<Onnx, ImportError> {
        let damaged = |reason: String| ImportError::File { file: file.clone(), reason };
        let model = messages::Model::decode(bytes).map_err(damaged)?;
        let mut graph =
            model.graph.ok_or_else(|| damaged("not an ONNX file: it holds no graph".to_string()))?;
        graph.nodes.iter_mut().for_each(constants_as_tensors);
        let refused = |fault: Fault, node: &str, op: &str| fault.at(&file, node, op);

        let opset = model.opsets.iter().find(|set| is_onnx(&set.domain)).map(|set| set.version);
        if let (None, Some(other)) = (opset, model.opsets.first()) {
            let reason = format!("operations of the domain {:?} are not supported", other.domain);
            return Err(refused(Fault::Refused(reason), &other.domain, "opset"));
        }
        let opset =
            opset.ok_or_else(|| damaged("truncated or corrupt: no version of its operators".to_string()))?;
        if !OPSETS.contains(&opset) {
            let (least, most) = (OPSETS.start(), OPSETS.end());
            let reason = format!("version {opset} of the operators; {least} to {most} are known");
            return Err(refused(Fault::Refused(reason), "ai.onnx", "opset"));
        }

        Onnx::of_graph(graph, opset, file, folder)
    }

    /// A model whose nodes are read and whose operators' version is known.
    pub(crate) fn of_graph(
        graph: messages::Graph,
        opset: i64,
        file: String,
        folder: Option<PathBuf>,
    ) -> Result<Onnx, ImportError> {
        let damaged = |reason: String| ImportError::File { file: file.clone(), reason };
        let refused = |fault: Fault, node: &str, op: &str| fault.at(&file, node, op);
        // Before version 4 of the format, initializers were listed among the inputs as well.
        let initializers: BTreeSet<&str> =
            graph.initializers.iter().map(|tensor| tensor.name.as_str()).collect();
        let inputs: Vec<&ValueInfo> =
            graph.inputs.iter().filter(|input| !initializers.contains(input.name.as_str())).collect();
        let (input, (input_shape, input_kind)) = match inputs[..] {
            [input] => {
                let ty = input_type(input).map_err(|fault| refused(fault, &input.name, "input"))?;
                (input.name.clone(), ty)
            }
            [] => return Err(damaged("the graph has no input".to_string())),
            [_, second, ..] => {
                let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
                let fault = Fault::Refused(format!(
                    "one of {} inputs: {}; one is supported",
                    names.len(),
                    names.join(", ")
                ));
                return Err(refused(fault, &second.name, "input"));
            }
        };
        if graph.outputs.is_empty() {
            return Err(damaged("the graph has no output".to_string()));
        }
        Ok(Onnx { file, folder, graph, opset, fixed: Sizes::new(), input, input_shape, input_kind })
    }

    /// The name of the model's input.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The shape of the model's input: numbers, and names of what the file leaves open.
    pub fn input_shape(&self) -> &[AxisSize] {
        &self.input_shape
    }

    /// What the numbers of the model's input are: whole ones for integers (identifiers of words, say), bits for booleans.
    pub fn input_kind(&self) -> DType {
        self.input_kind
    }

    /// Builds the model onto `input`, a node of `graph`. Weights become inputs private to `owner`, for the whole
    /// session, named as in the file after `prefix`, which keeps models in one graph apart. Nothing is revealed. The sizes
    /// that the file leaves open are those of `input`.
    ///
    /// # Errors
    /// [`ImportError::Refused`] names what cannot be computed, [`ImportError::File`] what is damaged. Nodes may have
    /// been added to the graph then.
    ///
    /// # Panics
    /// If `input` or `owner` is of another graph.
    pub fn build(
        &self,
        graph: &mut Graph,
        input: NodeId,
        owner: Owner,
        prefix: &str,
    ) -> Result<Built, ImportError> {
        self.build_noting(graph, input, owner, prefix, true).map(|(built, _)| built)
    }

    /// Builds the model, with parameters' numbers or without; also the tensors whose numbers became public, by address.
    pub(crate) fn build_noting(
        &self,
        graph: &mut Graph,
        input: NodeId,
        owner: Owner,
        prefix: &str,
        with_numbers: bool,
    ) -> Result<(Built, BTreeSet<*const Tensor>), ImportError> {
        let shape = graph.node(input).ty.shape.clone();
        if sizes_of(&self.input_shape, &shape).is_none() {
            let reason = format!("it has shape {}, not {shape:?}", show_axes(&self.input_shape));
            return Err(Fault::Refused(reason).at(&self.file, &self.input, "input"));
        }

        let given = graph.node(input).ty.dtype;
        if given != self.input_kind {
            let reason = format!("it is of kind {}, not {given}", self.input_kind);
            return Err(Fault::Refused(reason).at(&self.file, &self.input, "input"));
        }

        let known = idioms::known(&self.graph.nodes);
        let mut scope =
            Scope::new(graph, owner, prefix, self.folder.as_deref(), self.opset, known, with_numbers);
        let at = |name: &str, op: &str| {
            let (name, op) = (name.to_string(), op.to_string());
            move |fault: Fault| fault.at(&self.file, &name, &op)
        };
        if self.graph.has_sparse {
            return refuse("sparse tensors are not supported").map_err(at("graph", "sparse_initializer"));
        }
        scope.define(&self.input, Value::Node(input)).map_err(at(&self.input, "input"))?;
        for tensor in &self.graph.initializers {
            let value = Value::Tensor(tensor.name.clone(), tensor.clone());
            scope.define(&tensor.name, value).map_err(at(&tensor.name, "initializer"))?;
        }
        let used = self.used_names();
        for node in &self.graph.nodes {
            build_node(&mut scope, node, &used).map_err(at(node.label(), &node.op))?;
        }
        let outputs = self
            .graph
            .outputs
            .iter()
            .map(|output| build_output(&mut scope, &output.name).map_err(at(&output.name, "output")));
        let outputs = outputs.collect::<Result<Vec<Output>, ImportError>>()?;
        let read = scope.read().clone();
        let Scope { parameters, notes, public_constants, .. } = scope;
        Ok((Built { outputs, parameters, notes, public_constants }, read))
    }

    /// Fixes open sizes.
    pub(crate) fn fix(&mut self, sizes: &Sizes) {
        for axis in &mut self.input_shape {
            if let AxisSize::Named(name) = axis
                && let Some(&size) = sizes.get(name)
            {
                self.fixed.insert(name.clone(), size);
                *axis = AxisSize::Known(size);
            }
        }
    }

    /// Names that some node or output uses.
    fn used_names(&self) -> BTreeSet<&str> {
        let by_nodes = self.graph.nodes.iter().flat_map(|node| &node.inputs).map(String::as_str);
        by_nodes.chain(self.graph.outputs.iter().map(|output| output.name.as_str())).collect()
    }

    /// What the file is called in errors.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }
}

/// ONNX's own operators go by two names.
fn is_onnx(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// A constant of a node becomes a tensor, as those of the file are.
fn constants_as_tensors(node: &mut Node) {
    if node.op != "Constant" || !is_onnx(&node.domain) {
        return;
    }
    for attribute in &mut node.attributes {
        let (dims, floats) = match (attribute.name.as_str(), attribute.float) {
            ("value_float", value) => (vec![], vec![value.unwrap_or(0.0)]),
            ("value_floats", _) => {
                (vec![attribute.floats.len() as i64], std::mem::take(&mut attribute.floats))
            }
            _ => continue,
        };
        let tensor = Arc::new(Tensor { dims, element: FLOAT32, floats, ..Tensor::default() });
        let name = "value".to_string();
        *attribute = Attribute { name, kind: call::TENSOR, tensor: Some(tensor), ..Attribute::default() };
    }
}

/// The shape, and what its numbers are. An open size is called as in the file, the first axis `batch` unless another axis is.
fn input_type(input: &ValueInfo) -> Result<(Vec<AxisSize>, DType), Fault> {
    let Some(TensorType { element, shape }) = &input.tensor else { return refuse("it is not a tensor") };
    let Some(dtype) = dtype(*element) else {
        let name = named(*element);
        return refuse(format!("its type is {name}; only floats, int32, int64 and bool are supported"));
    };
    let Some(shape @ [first, others @ ..]) = shape.as_deref() else {
        return refuse("it has no shape, or none with a batch as its first axis");
    };
    let is_batch = |dim: &&Dimension| BATCHES.contains(&dim.symbol.as_str()) && dim.symbol != first.symbol;
    let batch = if others.iter().any(|dim| is_batch(&dim)) { None } else { Some(&first.symbol) };
    let mut sizes = Vec::with_capacity(shape.len());
    for (axis, dim) in shape.iter().enumerate() {
        let known = dim.size.and_then(|size| usize::try_from(size).ok()).filter(|&size| size > 0);
        sizes.push(match known {
            Some(size) => AxisSize::Known(size),
            None if dim.size == Some(0) && axis > 0 => return refuse(format!("axis {axis} is empty")),
            None if batch.is_some_and(|batch| axis == 0 || !batch.is_empty() && dim.symbol == *batch) => {
                AxisSize::Named(BATCH.to_string())
            }
            None => AxisSize::named(&dim.symbol, axis),
        });
    }
    Ok((sizes, dtype))
}

fn build_node(scope: &mut Scope<'_>, node: &Node, used: &BTreeSet<&str>) -> Result<(), Fault> {
    if !is_onnx(&node.domain) {
        return refuse(format!("operations of the domain {:?} are not supported", node.domain));
    }
    let operator = operators::find(&node.op)?;
    let mut call = Call::new(scope, node);
    let values = operator(&mut call)?;
    call.require_all_read()?;
    for (index, name) in node.outputs.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        match values.get(index) {
            Some(value) => scope.define(name, value.clone())?,
            None if used.contains(name.as_str()) => {
                return refuse(format!("its output {name:?}, number {}, is not supported", index + 1));
            }
            None => {}
        }
    }
    Ok(())
}

fn build_output(scope: &mut Scope<'_>, name: &str) -> Result<Output, Fault> {
    let name = name.to_string();
    match scope.value(&name) {
        Ok(Value::Node(node)) => Ok(Output { name, node, softmax: None }),
        Ok(Value::Softmax(softmax)) => {
            let final_softmax = FinalSoftmax { node: softmax.node, op: softmax.op, axes: softmax.axes };
            Ok(Output { name, node: softmax.logits, softmax: Some(final_softmax) })
        }
        Ok(Value::Tensor(..) | Value::Sizes(_) | Value::Reals(_)) => {
            refuse("it does not depend on the input")
        }
        Err(_) => corrupt(format!("the output {name:?} is not computed by any node")),
    }
}
