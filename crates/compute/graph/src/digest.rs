//! Digests of graphs, independent of the names of inner nodes. Parties compare them, grants name them, and auditors
//! check them.

use crate::graph::Graph;
use crate::ops::{Input, Op, Reveal};
use tacita_program::{NodeId, Owner, Visibility};

const NODE: &str = "tacita graph node digest, version 1";
const GRAPH: &str = "tacita graph digest, version 1";

/// Feeds length-prefixed fields to a hasher, so that adjacent fields cannot be confused.
struct Fields(blake3::Hasher);

impl Fields {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }
}

impl Graph {
    /// A digest of each node, by index: blake3 over its operation with attributes, its type, and its inputs' digests.
    /// Only the names of inputs and owners count, because they identify the data.
    pub fn node_digests(&self) -> Vec<[u8; 32]> {
        let mut digests: Vec<[u8; 32]> = Vec::with_capacity(self.nodes().len());
        for id in self.ids() {
            let digest = self.node_digest(id, &digests);
            digests.push(digest);
        }
        digests
    }

    fn node_digest(&self, id: NodeId, earlier: &[[u8; 32]]) -> [u8; 32] {
        let node = self.node(id);
        let owner = |owner: &Owner| self.owners()[owner.0 as usize].as_bytes();
        let mut fields = Fields(blake3::Hasher::new_derive_key(NODE));
        fields.bytes(node.op.name().as_bytes());
        fields.bytes(&postcard::to_allocvec(&node.op).expect("operations are plain data"));
        match &node.op {
            Op::Input(Input { visibility: Visibility::Private(by), .. }) => {
                fields.bytes(node.name.as_bytes());
                fields.bytes(owner(by));
            }
            Op::Input(_) | Op::Keep(_) => fields.bytes(node.name.as_bytes()),
            Op::Reveal(Reveal { to }) => to.iter().for_each(|to| fields.bytes(owner(to))),
            _ => {}
        }
        fields.number(node.ty.rank() as u64);
        for dim in &node.ty.shape {
            fields.number(1);
            fields.number(*dim as u64);
        }
        fields.number(node.ty.dtype as u64);
        match &node.ty.visibility {
            Visibility::Public => fields.number(0),
            Visibility::Private(by) => {
                fields.number(1);
                fields.bytes(owner(by));
            }
            Visibility::Secret => fields.number(2),
        }
        fields.number(node.inputs.len() as u64);
        node.inputs.iter().for_each(|input| fields.bytes(&earlier[input.index()]));
        *fields.0.finalize().as_bytes()
    }

    /// The graph's digest: blake3 over the owners' names and the digests of all nodes in order.
    pub fn digest(&self) -> [u8; 32] {
        let mut fields = Fields(blake3::Hasher::new_derive_key(GRAPH));
        fields.number(self.owners().len() as u64);
        self.owners().iter().for_each(|owner| fields.bytes(owner.as_bytes()));
        self.node_digests().iter().for_each(|digest| fields.bytes(digest));
        *fields.0.finalize().as_bytes()
    }
}
