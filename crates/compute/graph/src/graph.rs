//! The graph and its builder: an append-only arena of nodes in topological order.

use std::collections::{BTreeMap, BTreeSet};

use tacita_program::{NodeId, Owner, Visibility};

use crate::error::{GraphError, InferError};
use crate::ops::{Input, Keep, Op, Reveal};
use crate::types::{DType, Interval, Role, Type, show};

/// The most nodes a graph may have.
pub const MAX_NODES: usize = 1 << 20;

/// The most owners a graph may have.
pub const MAX_OWNERS: usize = 1 << 10;

/// The limit on the lists in all nodes' attributes, in words of four bytes: indices of `Gather`, weights of `Combine`.
/// Importers derive such lists from sizes in a file and hold several copies, so a small file could otherwise fill
/// memory.
pub const MAX_LISTED: usize = 1 << 21;

/// The longest name of a node or owner, in bytes.
pub const MAX_NAME: usize = 1 << 12;

/// One operation applied to earlier nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The operation and its attributes.
    pub op: Op,
    /// The inputs, all earlier in the arena.
    pub inputs: Vec<NodeId>,
    /// The result type, always the inferred one.
    pub ty: Type,
    /// A name for people to read; only the names of inputs have a meaning.
    pub name: String,
}

/// A computation: operations on tensors with types, visibilities and reveals, without data.
///
/// Nodes are in topological order: a loop over [`nodes`](Self::nodes) visits inputs first, without recursion. Values
/// are immutable; the graph only grows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
    owners: Vec<String>,
    input_names: BTreeSet<String>,
    /// Names under which values are kept.
    kept_names: BTreeSet<String>,
    /// Total length of the lists in the nodes' attributes, in words.
    listed: usize,
    /// The draw numbers in use.
    draws: BTreeSet<u32>,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The owner with this name, added if the graph has none.
    ///
    /// # Panics
    /// If there would be more than [`MAX_OWNERS`] owners, or the name is longer than [`MAX_NAME`] or [`hides`]
    /// characters.
    pub fn owner(&mut self, name: &str) -> Owner {
        if let Some(index) = self.owners.iter().position(|owner| owner == name) {
            return Owner(index as u16);
        }
        assert!(
            self.owners.len() < MAX_OWNERS && name.len() <= MAX_NAME && !hides(name),
            "too many owners, or a name too long or with characters that cannot be seen"
        );
        self.owners.push(name.to_owned());
        Owner((self.owners.len() - 1) as u16)
    }

    /// The owners' names; [`Owner`] is an index into them.
    pub fn owners(&self) -> &[String] {
        &self.owners
    }

    /// Whether an input has this name.
    pub fn has_input(&self, name: &str) -> bool {
        self.input_names.contains(name)
    }

    /// A fixed-point input named `name`, unique among inputs.
    ///
    /// # Errors
    /// If the name is empty or taken, or the owner does not belong to this graph.
    pub fn input(
        &mut self,
        name: &str,
        shape: &[usize],
        visibility: Visibility,
        role: Role,
    ) -> Result<NodeId, GraphError> {
        self.input_of(name, shape, visibility, role, DType::Fixed)
    }

    /// An input of any [`DType`]. Integers (below 2^62 in absolute value) and bits are used exactly, without rounding.
    ///
    /// # Errors
    /// As [`input`](Self::input).
    pub fn input_of(
        &mut self,
        name: &str,
        shape: &[usize],
        visibility: Visibility,
        role: Role,
        dtype: DType,
    ) -> Result<NodeId, GraphError> {
        self.add(Input { shape: shape.to_vec(), visibility, role, range: None, dtype }, &[], name)
    }

    /// An input whose values must lie in `range`; encoding refuses data outside it.
    ///
    /// # Errors
    /// As [`input`](Self::input), and if the range is empty or not finite.
    pub fn input_within(
        &mut self,
        name: &str,
        shape: &[usize],
        visibility: Visibility,
        role: Role,
        range: Interval,
    ) -> Result<NodeId, GraphError> {
        let (shape, range) = (shape.to_vec(), Some(range));
        self.add(Input { shape, visibility, role, range, dtype: DType::Fixed }, &[], name)
    }

    /// An unused draw number for an operation that draws random values.
    pub fn next_draw(&self) -> u32 {
        self.draws.last().map_or(0, |last| last.saturating_add(1))
    }

    /// Adds a node and infers its type.
    ///
    /// A drawn value is secret. Otherwise the visibility is public if all inputs are public, private to one owner if
    /// all other inputs belong to that owner, and secret in the remaining cases.
    ///
    /// # Errors
    /// Names the node, the operation and the shapes that do not fit.
    pub fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId], name: &str) -> Result<NodeId, GraphError> {
        let op = op.into();
        if self.nodes.len() >= MAX_NODES {
            return Err(GraphError::TooLarge { what: "the number of nodes", limit: MAX_NODES });
        }
        if name.len() > MAX_NAME {
            return Err(GraphError::TooLarge { what: "the length of a name", limit: MAX_NAME });
        }
        if hides(name) {
            return Err(GraphError::Name { name: name.to_owned() });
        }
        let listed = self.listed.saturating_add(op.operation().listed());
        if listed > MAX_LISTED {
            return Err(GraphError::TooLarge {
                what: "the number of indices and weights",
                limit: MAX_LISTED,
            });
        }
        let ty = self.infer(&op, inputs, name)?;
        if let Some(draw) = op.draw()
            && !self.draws.insert(draw)
        {
            let reason = format!("another node is draw {draw}: two of one number would be one value");
            let source = InferError::Attribute(reason);
            return Err(GraphError::Invalid { node: name.to_owned(), op: op.name(), source });
        }
        let names = match op {
            Op::Input(_) => Some(&mut self.input_names),
            Op::Keep(_) => Some(&mut self.kept_names),
            _ => None,
        };
        if let Some(names) = names
            && (name.is_empty() || !names.insert(name.to_owned()))
        {
            return Err(GraphError::InputName { name: name.to_owned() });
        }
        self.listed = listed;
        self.nodes.push(Node { op, inputs: inputs.to_vec(), ty, name: name.to_owned() });
        Ok(NodeId((self.nodes.len() - 1) as u32))
    }

    fn infer(&self, op: &Op, inputs: &[NodeId], name: &str) -> Result<Type, GraphError> {
        let node = || name.to_owned();
        let operation = op.operation();
        let mut types = Vec::with_capacity(inputs.len());
        let mut visibility = Visibility::Public;
        for &input in inputs {
            let producer = self.nodes.get(input.index()).filter(|producer| !producer.op.is_end());
            let Some(producer) = producer else {
                return Err(GraphError::UnknownInput { node: node(), op: operation.name(), input: input.0 });
            };
            visibility = visibility.join(producer.ty.visibility);
            types.push(&producer.ty);
        }
        if let Op::Input(input) = op {
            visibility = input.visibility;
        } else if op.draw().is_some() || matches!(op, Op::Keep(_)) {
            visibility = Visibility::Secret;
        }
        let named = match op {
            Op::Input(Input { visibility: Visibility::Private(owner), .. }) => std::slice::from_ref(owner),
            Op::Reveal(reveal) => &reveal.to,
            _ => &[],
        };
        if let Some(owner) = named.iter().find(|owner| owner.0 as usize >= self.owners.len()) {
            let (op, owners) = (operation.name(), self.owners.len());
            return Err(GraphError::UnknownOwner { node: node(), op, owner: owner.0, owners });
        }
        let inferred = operation
            .infer(&types)
            .and_then(|inferred| inferred.check())
            .map_err(|source| GraphError::Invalid { node: node(), op: operation.name(), source })?;
        Ok(Type { shape: inferred.shape, visibility, dtype: inferred.dtype })
    }

    /// Adds the nodes of another graph. `given` says which of its nodes are nodes of this graph already, by the other's ids: a
    /// graph's inputs, most often. Nodes that are given are not added, and reveals and what is kept are left out. Owners are
    /// matched by name, and draws numbered anew.
    ///
    /// Returns this graph's node for each of the other's; a reveal's or keep's is that of its input.
    ///
    /// # Errors
    /// If a given node is of another shape or kind than the one that it stands for, or an input's name is taken.
    pub fn append(
        &mut self,
        other: &Graph,
        given: &BTreeMap<NodeId, NodeId>,
    ) -> Result<Vec<NodeId>, GraphError> {
        let owners: Vec<Owner> = other.owners.iter().map(|name| self.owner(name)).collect();
        let mut ids: Vec<NodeId> = Vec::with_capacity(other.nodes.len());
        for (id, node) in other.ids().zip(&other.nodes) {
            if let Some(&here) = given.get(&id) {
                let missing =
                    || GraphError::UnknownInput { node: other.label(id), op: node.op.name(), input: here.0 };
                let found = &self.nodes.get(here.index()).ok_or_else(missing)?.ty;
                if found.shape != node.ty.shape || found.dtype != node.ty.dtype {
                    let reason = format!(
                        "it is {} of kind {} and takes {} of kind {}",
                        show(&node.ty.shape),
                        node.ty.dtype,
                        show(&found.shape),
                        found.dtype
                    );
                    let source = InferError::Attribute(reason);
                    return Err(GraphError::Invalid { node: other.label(id), op: node.op.name(), source });
                }
                ids.push(here);
                continue;
            }
            let inputs: Vec<NodeId> = node.inputs.iter().map(|input| ids[input.index()]).collect();
            let id = match &node.op {
                Op::Reveal(_) | Op::Keep(_) => inputs[0],
                Op::Input(input) => {
                    let visibility = match input.visibility {
                        Visibility::Private(owner) => Visibility::Private(owners[owner.0 as usize]),
                        other => other,
                    };
                    self.add(Input { visibility, ..input.clone() }, &[], &node.name)?
                }
                op => {
                    let op = op.clone().with_draw(self.next_draw());
                    self.add(op, &inputs, &node.name)?
                }
            };
            ids.push(id);
        }
        Ok(ids)
    }

    /// Opens `x` to the named owners alone. No node may use a reveal as input.
    ///
    /// # Errors
    /// If `x` or an owner does not belong to this graph, or `to` is empty or not in ascending order.
    pub fn reveal(&mut self, x: NodeId, to: &[Owner], name: &str) -> Result<NodeId, GraphError> {
        self.add(Reveal { to: to.to_vec() }, &[x], name)
    }

    /// Keeps `x` in shares for later evaluations, which read it as a secret input of this name: see
    /// [`Keep`](crate::ops::Keep).
    ///
    /// # Errors
    /// If `x` does not belong to this graph, or the name is empty or already used by another kept value.
    pub fn keep(&mut self, x: NodeId, name: &str) -> Result<NodeId, GraphError> {
        self.add(Keep, &[x], name)
    }

    /// All nodes in topological order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node with this id.
    ///
    /// # Panics
    /// If the id belongs to another graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// All ids, in topological order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// The inputs, in the order they were added.
    pub fn inputs(&self) -> Vec<NodeId> {
        self.ids().filter(|&id| matches!(self.node(id).op, Op::Input(_))).collect()
    }

    /// The reveals, in the order they were added. Parties learn nothing else.
    pub fn reveals(&self) -> Vec<NodeId> {
        self.ids().filter(|&id| matches!(self.node(id).op, Op::Reveal(_))).collect()
    }

    /// The values kept in shares for later evaluations, in the order they were added.
    pub fn keeps(&self) -> Vec<NodeId> {
        self.ids().filter(|&id| matches!(self.node(id).op, Op::Keep(_))).collect()
    }

    /// A node's name, or its number if it has none.
    pub fn label(&self, id: NodeId) -> String {
        let name = &self.node(id).name;
        if name.is_empty() { format!("#{}", id.0) } else { name.clone() }
    }

    /// For each node, by index: whether a reveal or a kept value depends on it.
    pub fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if node.op.is_end() {
                needed[index] = true;
            }
            if needed[index] {
                node.inputs.iter().for_each(|input| needed[input.index()] = true);
            }
        }
        needed
    }

    /// An empty graph with the same owners.
    pub(crate) fn empty_like(&self) -> Graph {
        Graph { owners: self.owners.clone(), ..Graph::default() }
    }

    /// A copy without the nodes, inputs included, on which no reveal or kept value depends. Owners stay.
    ///
    /// # Errors
    /// None on a graph built by [`add`](Self::add), though inference runs again.
    pub fn prune(&self) -> Result<Graph, GraphError> {
        let needed = self.needed();
        let mut graph = self.empty_like();
        let mut renamed = vec![NodeId(u32::MAX); self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().filter(|(index, _)| needed[*index]) {
            let inputs: Vec<NodeId> = node.inputs.iter().map(|input| renamed[input.index()]).collect();
            renamed[index] = graph.add(node.op.clone(), &inputs, &node.name)?;
        }
        Ok(graph)
    }
}

/// Whether a name can mislead its reader: it contains control characters, which terminals obey, or marks that change
/// the direction of the text after them.
pub fn hides(name: &str) -> bool {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.contains(|c: char| c.is_control() || turns(c))
}
