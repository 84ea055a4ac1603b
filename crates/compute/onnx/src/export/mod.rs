//! Graphs as ONNX models.

mod operations;
mod windows;
mod writer;

use std::path::Path;

use tacita_data::DataError;
use tacita_graph::{Graph, GraphError, Inputs, NodeId, Op, Visibility};
use writer::Writer;

use crate::file::encode;

/// The version of ONNX's operators that models are written with. Runtimes since 2022 know it.
pub const EXPORT_OPSET: i64 = 17;

/// Protobuf's limit.
const MAX_BYTES: usize = i32::MAX as usize;

/// Why a graph cannot be written as a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// An operation, or the use that the graph makes of it, has no counterpart in ONNX.
    #[error("node {node:?} ({op}) has no form in ONNX: {reason}")]
    Refused {
        /// The node's name, or its number where it has none.
        node: String,
        /// Its operation.
        op: &'static str,
        /// Why.
        reason: String,
    },
    /// A parameter has no value, or one that does not fit.
    #[error("parameter {name:?}: {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// An output is called as something else is.
    #[error("output {name:?}: an input or another output has that name")]
    Output {
        /// Its name.
        name: String,
    },
    /// A file of the format has at most 2 GiB.
    #[error("the model would have {bytes} bytes; a file of ONNX has at most {MAX_BYTES}")]
    TooLarge {
        /// The size.
        bytes: usize,
    },
    /// The file cannot be written; what was there before is unchanged.
    #[error(transparent)]
    Write(#[from] DataError),
}

/// Writes a graph as an ONNX model that other programs read: what the outputs need of it. The file is there whole or not at
/// all.
///
/// Inputs that `parameters` has a value for become initializers of the model, fixed ones as float32; the others become its
/// inputs. All sizes are those of the graph; [`export_open_bytes`] leaves the batch open. An output is a name and a node; of a reveal, or of what is kept, it is the
/// value that is revealed or kept. What the graph draws, the runtime draws; a look-up of what a table does not have is zeros in
/// a graph, and an error in runtimes.
///
/// # Errors
/// [`ExportError::Refused`] names an operation that ONNX does not have, [`ExportError::Parameter`] a value that float32 cannot
/// hold, has another shape or is missing: a secret input needs one.
///
/// # Panics
/// If an output is not of this graph.
pub fn export(
    path: &Path,
    graph: &Graph,
    outputs: &[(&str, NodeId)],
    parameters: &Inputs,
) -> Result<(), ExportError> {
    let bytes = export_bytes(graph, outputs, parameters)?;
    Ok(tacita_data::write_atomically(path, |file| file.write_all(&bytes))?)
}

/// As [`export`], the file's bytes.
///
/// # Errors
/// As [`export`].
///
/// # Panics
/// As [`export`].
pub fn export_bytes(
    graph: &Graph,
    outputs: &[(&str, NodeId)],
    parameters: &Inputs,
) -> Result<Vec<u8>, ExportError> {
    write(graph, None, outputs, parameters)
}

/// As [`export_bytes`], with an open batch: `graph` and `other` are the same network at two batches, and what follows the
/// batch, the first axis of the input, is open in the model.
///
/// # Errors
/// As [`export`], and if the graphs have other nodes, or a size follows the batch in a way that a model cannot say.
///
/// # Panics
/// As [`export`].
pub fn export_open_bytes(
    graph: &Graph,
    other: &Graph,
    outputs: &[(&str, NodeId)],
    parameters: &Inputs,
) -> Result<Vec<u8>, ExportError> {
    if let Err(error) = tacita_graph::same_nodes(graph, other) {
        let refused = |node: String, op, reason| ExportError::Refused { node, op, reason };
        return Err(match error {
            GraphError::MixesSamples { node, op, reason } => refused(node, op, reason),
            other => refused(String::new(), "graph", other.to_string()),
        });
    }
    write(graph, Some(other), outputs, parameters)
}

fn write(
    graph: &Graph,
    other: Option<&Graph>,
    outputs: &[(&str, NodeId)],
    parameters: &Inputs,
) -> Result<Vec<u8>, ExportError> {
    let needed = needed(graph, outputs);
    let needed = || graph.ids().filter(|id| needed[id.index()]);
    let inputs = || needed().filter(|&id| matches!(graph.node(id).op, Op::Input(_)));
    let numbers: usize =
        inputs().filter_map(|id| parameters.get(&graph.node(id).name)).map(|x| x.len()).sum();
    // 8 bytes at most for each, before any of them is made
    if numbers.saturating_mul(8) > 2 * MAX_BYTES {
        return Err(ExportError::TooLarge { bytes: numbers.saturating_mul(4) });
    }

    let mut writer = Writer::new(graph, other);
    for id in inputs() {
        let name = &graph.node(id).name;
        let refuse = |reason| ExportError::Parameter { name: name.clone(), reason };
        match parameters.get(name) {
            Some(value) => writer.parameter(id, value).map_err(refuse)?,
            None if graph.node(id).ty.visibility == Visibility::Secret => {
                return Err(refuse("it is kept in shares, and its value is not given".to_string()));
            }
            None => writer.input(id),
        }
    }
    for (name, _) in outputs {
        if !writer.reserve(name) {
            return Err(ExportError::Output { name: (*name).to_string() });
        }
    }
    for id in needed().filter(|&id| !matches!(graph.node(id).op, Op::Input(_))) {
        operations::write(&mut writer, id).map_err(|reason| ExportError::Refused {
            node: graph.label(id),
            op: graph.node(id).op.name(),
            reason,
        })?;
    }
    for &(name, id) in outputs {
        writer.output(name, shown(graph, id));
    }
    let bytes = encode::model(&writer.finish(), EXPORT_OPSET);
    if bytes.len() > MAX_BYTES {
        return Err(ExportError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// The node whose value an output is.
fn shown(graph: &Graph, id: NodeId) -> NodeId {
    let node = graph.node(id);
    if node.op.is_end() { node.inputs[0] } else { id }
}

/// What is written, by index.
fn needed(graph: &Graph, outputs: &[(&str, NodeId)]) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes().len()];
    outputs.iter().for_each(|&(_, id)| needed[shown(graph, id).index()] = true);
    for id in graph.ids().rev() {
        if needed[id.index()] {
            operations::operands(graph, id).into_iter().for_each(|x| needed[x.index()] = true);
        }
    }
    needed
}
