//! Graph files: magic, version, content, body, checksum. One graph has one encoding.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `TACITA-G` |
//! | 2 | version, little-endian |
//! | 1 | what the body is: 0 a graph, 1 a template of an ONNX file, which `tacita-onnx` writes and reads |
//! | | of a graph: owners' names and the number of nodes, then each node's operation, inputs and name, in postcard |
//! | 32 | blake3 of all before |
//!
//! Types are not stored: reading infers them again, so a file cannot claim false ones.

use serde::de::DeserializeOwned;
use tacita_program::NodeId;

use crate::error::GraphError;
use crate::graph::{Graph, MAX_NAME, MAX_NODES, MAX_OWNERS, hides};
use crate::ops::Op;

/// The version that this crate writes and reads.
pub const FORMAT_VERSION: u16 = 3;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 26;

const MAGIC: &[u8; 8] = b"TACITA-G";
const HEADER: usize = MAGIC.len() + 3;
const CHECKSUM: usize = 32;
/// The least size of a node: an operation, the number of its inputs and the length of its name, one byte each.
const LEAST_NODE: usize = 3;

/// The content of a graph file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A graph with concrete sizes.
    Graph,
    /// A template, in the encoding of the crate that imports models.
    Template,
}

impl Content {
    const fn number(self) -> u8 {
        match self {
            Content::Graph => 0,
            Content::Template => 1,
        }
    }
}

/// A file with this content.
pub fn seal(content: Content, body: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.push(content.number());
    bytes.extend(body);
    let checksum = blake3::hash(&bytes);
    bytes.extend(checksum.as_bytes());
    bytes
}

/// The content and the body of a file with a correct version and checksum.
///
/// # Errors
/// If the bytes are not a graph file, have another version, or are truncated or corrupt.
pub fn open(bytes: &[u8]) -> Result<(Content, &[u8]), GraphError> {
    if bytes.len() > MAX_BYTES {
        return Err(GraphError::TooLarge { what: "the file", limit: MAX_BYTES });
    }
    let broken = |what: &str| GraphError::Decode(what.to_owned());
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| broken("it does not begin with TACITA-G"))?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(|| broken("it is truncated"))?;
    let version = u16::from_le_bytes(*version);
    if version != FORMAT_VERSION {
        return Err(GraphError::Version { got: version, expected: FORMAT_VERSION });
    }
    let (content, rest) = rest.split_first().ok_or_else(|| broken("it is truncated"))?;
    let (body, checksum) = rest.split_last_chunk::<CHECKSUM>().ok_or_else(|| broken("it is truncated"))?;
    if blake3::hash(&bytes[..HEADER + body.len()]).as_bytes() != checksum {
        return Err(broken("its checksum is wrong; it is truncated or corrupt"));
    }
    match content {
        0 => Ok((Content::Graph, body)),
        1 => Ok((Content::Template, body)),
        other => Err(GraphError::Decode(format!("content {other} is unknown"))),
    }
}

impl Graph {
    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = body(&(self.owners(), self.nodes().len() as u32));
        for node in self.nodes() {
            bytes.extend(body(&(&node.op, &node.inputs, &node.name)));
        }
        seal(Content::Graph, &bytes)
    }

    /// Reads a graph. The result is equal to the graph that was encoded.
    ///
    /// # Errors
    /// If the bytes are not the canonical encoding of a graph: wrong magic, version or checksum, a template, an
    /// operation that does not fit its inputs, missing or surplus bytes. Never panics, and allocates in proportion to
    /// the bytes given.
    pub fn decode(bytes: &[u8]) -> Result<Graph, GraphError> {
        let (content, rest) = open(bytes)?;
        let broken = |what: &str| GraphError::Decode(what.to_owned());
        if content != Content::Graph {
            return Err(broken("it holds a template, and a graph is asked for"));
        }
        let graph = read(rest)?;
        if graph.encode() != bytes {
            return Err(broken("it is not in canonical form"));
        }
        Ok(graph)
    }
}

fn body(value: &impl serde::Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("graphs are plain data")
}

/// A file with an arbitrary body under a valid header and checksum, with which tests and fuzzers reach the parser.
#[doc(hidden)]
pub fn seal_body(body: &[u8]) -> Vec<u8> {
    seal(Content::Graph, body)
}

/// Takes one value from the front.
fn take<T: DeserializeOwned>(rest: &mut &[u8]) -> Result<T, GraphError> {
    let (value, after) = postcard::take_from_bytes(rest)
        .map_err(|error| GraphError::Decode(format!("its body is corrupt: {error}")))?;
    *rest = after;
    Ok(value)
}

fn read(mut rest: &[u8]) -> Result<Graph, GraphError> {
    let (owners, count): (Vec<String>, u32) = take(&mut rest)?;
    if owners.len() > MAX_OWNERS || owners.iter().any(|owner| owner.len() > MAX_NAME) {
        return Err(GraphError::TooLarge { what: "the number of owners or their names", limit: MAX_OWNERS });
    }
    if let Some(owner) = owners.iter().find(|owner| hides(owner)) {
        return Err(GraphError::Name { name: owner.clone() });
    }
    let mut graph = Graph::new();
    for (index, owner) in owners.iter().enumerate() {
        if graph.owner(owner).0 as usize != index {
            return Err(GraphError::Decode(format!("the owner {owner:?} is named twice")));
        }
    }
    if count as usize > MAX_NODES.min(rest.len() / LEAST_NODE) {
        return Err(GraphError::Decode(format!("it claims {count} nodes, more than it has bytes for")));
    }
    for _ in 0..count {
        let (op, inputs, name): (Op, Vec<NodeId>, String) = take(&mut rest)?;
        graph.add(op, &inputs, &name)?;
    }
    if !rest.is_empty() {
        return Err(GraphError::Decode(format!("{} bytes are left over", rest.len())));
    }
    Ok(graph)
}
