//! A whole model as a graph of its own: input, model, argmax if asked for, reveals.

use std::collections::BTreeSet;
use std::path::Path;

use tacita_graph::{DType, Graph, MAX_NAME, MAX_OWNERS, Owner, Role, Visibility, dims, ops};

use crate::error::{Fault, ImportError};
use crate::file::messages::Tensor;
use crate::model::{ImportOptions, Model};
use crate::onnx::{Built, Onnx, Output};
use crate::sizes::{AxisSize, Sizes};
use crate::template::{self, Template};

/// Imports the model in a file.
///
/// # Errors
/// As [`ImportError`] lists.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Model, ImportError> {
    import_onnx(&Onnx::open(path)?, options)
}

/// Imports the model in a file's bytes. Weights in other files cannot be found then.
///
/// # Errors
/// As [`ImportError`] lists.
pub fn import_bytes(bytes: &[u8], options: &ImportOptions) -> Result<Model, ImportError> {
    import_onnx(&Onnx::from_bytes(bytes, "model")?, options)
}

fn import_onnx(onnx: &Onnx, options: &ImportOptions) -> Result<Model, ImportError> {
    options.check()?;
    let sizes = template::example_sizes(onnx, options)?;
    let (graph, mut built, read) = graph_at(onnx, options, &sizes, true)?;
    let names: Vec<&str> = graph.inputs().into_iter().map(|id| graph.node(id).name.as_str()).collect();
    built.parameters.retain(|name, _| names.contains(&name.as_str()));
    Ok(Model {
        template: Template::of_onnx(onnx, options, &read)?,
        parameters: built.parameters,
        input: onnx.input().to_string(),
        input_shape: onnx.input_shape().to_vec(),
        outputs: built.outputs.into_iter().map(|output| output.name).collect(),
        notes: built.notes,
        public_constants: built.public_constants,
    })
}

/// The model's graph at these sizes, with parameters' numbers or without; also the tensors whose numbers became public, by
/// address.
pub(crate) fn graph_at(
    onnx: &Onnx,
    options: &ImportOptions,
    sizes: &Sizes,
    with_numbers: bool,
) -> Result<(Graph, Built, BTreeSet<*const Tensor>), ImportError> {
    let mut graph = Graph::new();
    let input_owner = graph.owner(&options.input_owner);
    let weights_owner = graph.owner(&options.weights_owner);
    let mut receivers: Vec<Owner> = options.receivers.iter().map(|receiver| graph.owner(receiver)).collect();
    receivers.sort_unstable();
    receivers.dedup();

    let refused = |reason: String| Err(Fault::Refused(reason).at(onnx.file(), onnx.input(), "input"));
    if options.input_range.is_some() && onnx.input_kind() == DType::Bit {
        return refused("its values are 0 and 1: a range for them cannot be declared".to_string());
    }
    let mut shape = Vec::with_capacity(onnx.input_shape().len());
    for axis in onnx.input_shape() {
        shape.push(match axis {
            AxisSize::Known(size) => *size,
            AxisSize::Named(name) => match sizes.get(name) {
                Some(size) => *size,
                None => return refused(format!("the size {name} is open: give it a number")),
            },
        });
    }
    let declared = ops::Input {
        shape: dims(&shape),
        visibility: Visibility::Private(input_owner),
        role: Role::Data,
        range: options.input_range,
        dtype: onnx.input_kind(),
    };
    let input = graph
        .add(declared, &[], onnx.input())
        .map_err(|error| Fault::from(error).at(onnx.file(), onnx.input(), "input"))?;
    let (mut built, read) = onnx.build_noting(&mut graph, input, weights_owner, "", with_numbers)?;
    if options.argmax && built.outputs.len() > 1 {
        let reason = format!("one of {} outputs; argmax needs one", built.outputs.len());
        return Err(Fault::Refused(reason).at(onnx.file(), &built.outputs[1].name, "output"));
    }
    for output in &built.outputs {
        finish(&mut graph, output, options.argmax, &receivers, &mut built.notes)
            .map_err(|fault| fault.at(onnx.file(), &output.name, "output"))?;
    }

    let graph = graph.prune().map_err(|error| Fault::from(error).at(onnx.file(), onnx.input(), "graph"))?;
    if !graph.inputs().into_iter().any(|id| graph.node(id).name == onnx.input()) {
        return refused("no output depends on it".to_string());
    }
    Ok((graph, built, read))
}

/// Adds the reveal of an output, of its argmax if asked for.
fn finish(
    graph: &mut Graph,
    output: &Output,
    argmax: bool,
    receivers: &[Owner],
    notes: &mut Vec<String>,
) -> Result<(), Fault> {
    let mut node = output.node;
    let ty = graph.node(node).ty.clone();
    let argmax = argmax && ty.dtype != DType::Int;
    match &output.softmax {
        Some(softmax) if argmax => {
            let name = &softmax.node;
            notes.push(format!(
                "{} {name:?} is left out: it does not change which class is largest.",
                softmax.op
            ));
        }
        Some(softmax) => notes.push(format!(
            "{} {:?} is left to the receiver: {:?} reveals the logits, apply it to them over axis {:?}.",
            softmax.op, softmax.node, output.name, softmax.axes
        )),
        None => {}
    }
    let mut name = output.name.clone();
    if argmax {
        // The axis of the softmax, or the last.
        let axis = output.softmax.as_ref().and_then(|softmax| softmax.axes.last().copied());
        let axis = match axis.or(ty.rank().checked_sub(1)) {
            Some(axis) if axis > 0 => axis,
            _ => return Err(Fault::Refused("argmax needs an axis of classes after the batch".to_string())),
        };
        name += ":argmax";
        node = graph.add(ops::ArgMax { axis, keepdims: false }, &[node], &name)?;
    }
    graph.reveal(node, receivers, &name)?;
    Ok(())
}

impl ImportOptions {
    pub(crate) fn check(&self) -> Result<(), ImportError> {
        let wrong = |reason: &str| Err(ImportError::Options(reason.to_string()));
        if self.receivers.is_empty() {
            return wrong("nobody receives the outputs; name at least one receiver");
        }
        if self.receivers.len() + 2 > MAX_OWNERS {
            return wrong("too many receivers");
        }
        let mut names = self.receivers.iter().chain([&self.weights_owner, &self.input_owner]);
        if names.any(|name| name.is_empty() || name.len() > MAX_NAME || tacita_graph::hides(name)) {
            return wrong("an owner's name is empty, too long, or has characters that cannot be seen");
        }
        Ok(())
    }
}
