//! The ring program: a graph lowered to some forty operations on tensors over Z_2^64, with every truncation explicit.
//!
//! All integers wrap. A ring value carries `frac`, the number of fractional bits of the real number it stands
//! for; a value of bits is 0 or 1 in each of its planes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::operation::RingOp;
use crate::range::RangeBound;

/// A node of one ring program: an index into [`RingProgram::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingId(pub u32);

impl RingId {
    /// The id as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node of the graph that a program was lowered from: an index into the graph's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The id as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One who owns inputs or receives reveals: an index into the owners of a graph or program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner(pub u16);

/// Who may know a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// One owner, in the clear.
    Private(Owner),
    /// Nobody.
    Secret,
}

impl Visibility {
    /// The visibility of a value computed from both: public values add nothing, one owner's stay that owner's,
    /// anything else is secret.
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Visibility::Public, v) | (v, Visibility::Public) => v,
            (Visibility::Private(a), Visibility::Private(b)) if a == b => self,
            _ => Visibility::Secret,
        }
    }

    /// Whether somebody can compute the value in the clear.
    pub fn is_clear(self) -> bool {
        self != Visibility::Secret
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Visibility::Public => f.write_str("public"),
            Visibility::Private(Owner(owner)) => write!(f, "private to owner {owner}"),
            Visibility::Secret => f.write_str("secret"),
        }
    }
}

/// A lowered graph. Inputs have lower ids than the nodes that use them, and every node serves some reveal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingProgram {
    /// The nodes in topological order.
    pub nodes: Vec<RingNode>,
    /// The session's fractional bits.
    pub precision: u32,
    /// The owners' names; [`Owner`] is an index into them.
    pub owners: Vec<String>,
    /// The names of the graph's nodes, by [`NodeId`]: for reports, not in the digest.
    pub node_names: Vec<String>,
    /// The digests of the graph's nodes, by [`NodeId`]: those of leaves, which their owners compute, are in the digest.
    pub node_origins: Vec<[u8; 32]>,
}

/// One operation applied to earlier nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingNode {
    /// The operation and its attributes.
    pub op: RingOp,
    /// Its inputs, of lower ids.
    pub inputs: Vec<RingId>,
    /// The shape of the result.
    pub shape: Vec<usize>,
    /// Ring elements or bits.
    pub ty: RingType,
    /// Who knows the result: joined over the inputs.
    pub visibility: Visibility,
    /// A bound of the value beside what follows from its inputs. Of a leaf: what its owner's encoder enforces. Of another
    /// node: a property of the graph's operation, such as a sigmoid between 0 and 1. [`RangeBound::ANY`] if there is none.
    pub bound: RangeBound,
    /// The graph's node that this is part of.
    pub origin: NodeId,
}

/// The type of a ring program's value: the content of each element of its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RingType {
    /// An element of Z_2^64 that stands for a real number times 2^frac.
    Ring {
        /// Fractional bits.
        frac: u32,
    },
    /// Bits.
    Bits {
        /// How many.
        planes: usize,
    },
}

impl RingType {
    /// The fractional bits; 0 of bits.
    pub fn frac(self) -> u32 {
        match self {
            RingType::Ring { frac } => frac,
            RingType::Bits { .. } => 0,
        }
    }
}

impl RingProgram {
    /// A node.
    ///
    /// # Panics
    /// If the id is of another program.
    pub fn node(&self, id: RingId) -> &RingNode {
        &self.nodes[id.index()]
    }

    /// All ids, in topological order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = RingId> + use<> {
        (0..self.nodes.len() as u32).map(RingId)
    }

    /// The reveals, in the order of the graph.
    pub fn reveals(&self) -> Vec<RingId> {
        self.ids().filter(|&id| matches!(self.node(id).op, RingOp::Reveal { .. })).collect()
    }

    /// What is kept, in the order of the graph.
    pub fn keeps(&self) -> Vec<RingId> {
        self.ids().filter(|&id| matches!(self.node(id).op, RingOp::Keep)).collect()
    }

    /// Drops nodes that serve no reveal and nothing kept, such as what an `ArgMax` over one element does not look at.
    pub fn prune(&mut self) {
        let mut used = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            used[index] |= matches!(node.op, RingOp::Reveal { .. } | RingOp::Keep);
            if used[index] {
                node.inputs.iter().for_each(|input| used[input.index()] = true);
            }
        }
        let mut renamed = Vec::with_capacity(used.len());
        let mut next = 0;
        for &used in &used {
            renamed.push(RingId(next));
            next += u32::from(used);
        }
        let mut used = used.into_iter();
        self.nodes.retain(|_| used.next().unwrap_or(false));
        for input in self.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
            *input = renamed[input.index()];
        }
    }
}
