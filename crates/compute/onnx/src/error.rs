//! Why a model cannot be imported.

use tacita_graph::GraphError;

/// Why a model cannot be imported. Every message is one line that names the file and, for a refusal, the node.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file, or a file of weights beside it, is missing, truncated or damaged.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model is well-formed, but something in it cannot be computed privately, or not yet.
    #[error("{file}: node {node:?} ({op}): {reason}")]
    Refused {
        /// The file.
        file: String,
        /// The node's name in the file; that of its first output where it has none; or the name of an input or output
        /// of the model.
        node: String,
        /// The operation as the file calls it, or `input` or `output`.
        op: String,
        /// Why, and what to do where something can be done.
        reason: String,
    },
    /// A size that a template leaves open has no number, or one that does not do.
    #[error("size {name:?}: {reason}")]
    Size {
        /// The size's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A file that is no template, or a graph that does not do.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The options cannot be used: no receiver, or an empty name.
    #[error("import options: {0}")]
    Options(String),
}

/// What an operator finds wrong; the walk over the nodes adds file, node and operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The file contradicts itself.
    Corrupt(String),
    /// The current node is refused.
    Refused(String),
}

impl Fault {
    pub(crate) fn at(self, file: &str, node: &str, op: &str) -> ImportError {
        let (file, node, op) = (file.to_string(), node.to_string(), op.to_string());
        // words of the file may have any character, and a message is one line
        let line = |text: String| text.replace(char::is_control, " ");
        match self {
            Fault::Corrupt(reason) => ImportError::File { file, reason: line(reason) },
            Fault::Refused(reason) => ImportError::Refused { file, node, op: line(op), reason: line(reason) },
        }
    }
}

impl From<GraphError> for Fault {
    fn from(error: GraphError) -> Fault {
        Fault::Refused(match error {
            // Node and operation are named already, in the file's words.
            GraphError::Invalid { source, .. } => source.to_string(),
            other => other.to_string(),
        })
    }
}

/// A refusal of the current node.
pub(crate) fn refuse<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(reason.into()))
}

/// A contradiction within the file.
pub(crate) fn corrupt<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Corrupt(reason.into()))
}
