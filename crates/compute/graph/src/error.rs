//! Errors about a graph. Messages name the node, its operation and the shapes.

use tacita_program::{ProgramError, Visibility};
use thiserror::Error;

use crate::types::{DType, show};

/// The reason why an operation does not accept inputs of given types. [`GraphError::Invalid`] adds the node.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum InferError {
    /// The wrong number of inputs.
    #[error("takes {expected} inputs, not {got}")]
    Arity {
        /// The number it takes, in words.
        expected: &'static str,
        /// The number it got.
        got: usize,
    },
    /// An input whose [`DType`] the operation does not support.
    #[error("input {input} is of kind {got}, not {expected}")]
    DType {
        /// Which input, from 0.
        input: usize,
        /// The supported type.
        expected: DType,
        /// The actual type.
        got: DType,
    },
    /// An input with a visibility that the operation does not accept, most often a secret one.
    #[error("input {input} is {visibility}: {reason}")]
    Visibility {
        /// Which input, from 0.
        input: usize,
        /// Its visibility.
        visibility: Visibility,
        /// The reason, and a remedy.
        reason: String,
    },
    /// One input whose shape does not fit the operation or its attributes.
    #[error("shape {} does not fit: {reason}", show(shape))]
    Shape {
        /// The input's shape.
        shape: Vec<usize>,
        /// Why it does not fit.
        reason: String,
    },
    /// Two shapes that do not fit each other.
    #[error("shapes {} and {} do not fit: {reason}", show(left), show(right))]
    Shapes {
        /// The first input's shape.
        left: Vec<usize>,
        /// The other's.
        right: Vec<usize>,
        /// Why they do not fit.
        reason: &'static str,
    },
    /// An attribute that is invalid for any input.
    #[error("{0}")]
    Attribute(String),
}

/// An error about a graph. Each variant names the node and the operation where there is one.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum GraphError {
    /// An operation does not fit its inputs.
    #[error("node {node:?} ({op}): {source}")]
    Invalid {
        /// The node's name.
        node: String,
        /// The operation's name.
        op: &'static str,
        /// The mismatch.
        source: InferError,
    },
    /// Its ring program breaks a precondition of an operation, such as that of a truncation by a range that is too large.
    #[error("the lowered program cannot be evaluated: {0}")]
    Program(#[from] ProgramError),
    /// An input id that is not an earlier node of the graph.
    #[error("node {node:?} ({op}): input {input} is not an earlier node of this graph")]
    UnknownInput {
        /// The node's name.
        node: String,
        /// The operation's name.
        op: &'static str,
        /// The id that was given.
        input: u32,
    },
    /// A derivative of something other than one fixed-point number.
    #[error(
        "{node:?} is no loss: it is of kind {dtype} and shape {}, and derivatives are of one fixed number",
        show(shape)
    )]
    Loss {
        /// The node's name.
        node: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its kind.
        dtype: DType,
    },
    /// A derivative through an operation that has none.
    #[error(
        "node {node:?} ({op}) is on the way from what the derivative is asked for to the loss, and has no derivative"
    )]
    NoDerivative {
        /// The node's name.
        node: String,
        /// The operation's name.
        op: &'static str,
    },
    /// A derivative with respect to a node on which the loss does not depend differentiably.
    #[error("the loss has no derivative with respect to {node:?}: no path of differentiable operations leads from it to the loss{}", end.as_ref().map_or(String::new(), |end| format!("; paths end at {end}")))]
    NoPath {
        /// The node's name.
        node: String,
        /// The first operation on the way without a derivative, if there is a way.
        end: Option<String>,
    },
    /// An input or kept value without a name, or two with the same name.
    #[error("name {name:?} of an input, or of what is kept, is empty or used twice")]
    InputName {
        /// The name.
        name: String,
    },
    /// A name of a node or owner that does not display as it is. A person who checks what a graph reveals must see
    /// exactly the names in it.
    #[error("the name {name:?} has control characters or marks of direction")]
    Name {
        /// The name.
        name: String,
    },
    /// An owner that the graph does not have.
    #[error("node {node:?} ({op}) names owner {owner}, the graph has {owners}")]
    UnknownOwner {
        /// The node's name.
        node: String,
        /// The operation's name.
        op: &'static str,
        /// The index that was given.
        owner: u16,
        /// The number of owners.
        owners: usize,
    },
    /// More nodes, owners or bytes in names than a graph may have.
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge {
        /// The exceeded quantity.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An evaluation in parts of a graph that mixes samples.
    #[error("node {node:?} ({op}) mixes samples: {reason}")]
    MixesSamples {
        /// The node's name.
        node: String,
        /// The operation's name.
        op: &'static str,
        /// The way it mixes them.
        reason: String,
    },
    /// An operation that cannot be computed on secret values.
    #[error("node {node:?} ({op}) cannot be computed privately: {reason}")]
    Unsupported {
        /// The node's name.
        node: String,
        /// The operation's name.
        op: &'static str,
        /// The reason, and a remedy.
        reason: String,
    },
    /// A fixed-point precision that the ring cannot carry.
    #[error("precision of {0} bits; 4 to 24 are possible")]
    Precision(u32),
    /// An input without data.
    #[error("no data for input {name:?}")]
    MissingInput {
        /// The input's name.
        name: String,
    },
    /// Data whose shape differs from the input's.
    #[error("input {name:?} has shape {expected:?}, its data {got:?}")]
    InputShape {
        /// The input's name.
        name: String,
        /// The shape in the graph.
        expected: Vec<usize>,
        /// The data's shape.
        got: Vec<usize>,
    },
    /// Data outside the declared range of an input.
    #[error("input {name:?}: element {index} is {value}, outside of its declared range {min}..={max}")]
    InputRange {
        /// The input's name.
        name: String,
        /// The element, row-major.
        index: usize,
        /// Its value.
        value: f64,
        /// The least value declared.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// Data for an input of integers or bits that is not integer or not a bit.
    #[error("input {name:?}: element {index} is {value}, and its kind is {dtype}")]
    InputDType {
        /// The input's name.
        name: String,
        /// The element, row-major.
        index: usize,
        /// Its value.
        value: f64,
        /// The input's kind.
        dtype: DType,
    },
    /// A value that fixed point cannot represent.
    #[error("node {node:?} ({op}): {reason}")]
    Encoding {
        /// The node's name.
        node: String,
        /// The operation's name.
        op: &'static str,
        /// The element and the reason.
        reason: String,
    },
    /// An integer that f64 cannot represent, in a computation that its owner performs in f64.
    #[error(
        "node {node:?} ({op}): element {index} is 2^53 or more, and its owner computes with it in f64: give the result as an input"
    )]
    InexactInteger {
        /// The node's name.
        node: String,
        /// The operation's name.
        op: &'static str,
        /// The element's index, row-major.
        index: usize,
    },
    /// A ring program that was not lowered from this graph.
    #[error("the ring program was not lowered from this graph: {0}")]
    ForeignProgram(String),
    /// A graph file of another version.
    #[error("graph file of version {got}; this program reads version {expected}")]
    Version {
        /// The file's version.
        got: u16,
        /// The version that can be read.
        expected: u16,
    },
    /// Bytes that are not a graph.
    #[error("not a graph file: {0}")]
    Decode(String),
}
