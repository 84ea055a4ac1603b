//! What is known of a program's values before its tasks are listed: members, forms, masks.

use tacita_correlations::{RingMask, ValueId};
use tacita_program::{RingId, RingNode, RingProgram, Visibility};

use crate::form::Form;

/// A program's values as the steps of a task depend on them.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    pub program: &'a RingProgram,
    /// The member that each owner of the program is.
    pub owners: &'a [usize],
    /// Number of computing parties.
    pub parties: usize,
    /// The form of each node's value.
    pub form: &'a [Form],
}

impl<'a> Values<'a> {
    pub fn node(&self, id: RingId) -> &'a RingNode {
        &self.program.nodes[id.0 as usize]
    }

    pub fn form(&self, id: RingId) -> Form {
        self.form[id.0 as usize]
    }

    /// The member that owns a private node.
    pub fn owner(&self, id: RingId) -> Option<usize> {
        match self.node(id).visibility {
            Visibility::Private(owner) => Some(self.owners[owner.0 as usize]),
            Visibility::Public | Visibility::Secret => None,
        }
    }

    /// The value that a mask is of; none of a public one, which is not masked.
    pub fn masked(&self, id: RingId) -> Option<ValueId> {
        (self.node(id).visibility != Visibility::Public).then_some(value(id))
    }
}

/// Inputs of a bilinear node are both secret: it needs a correlation.
pub(crate) fn is_product(program: &RingProgram, node: &RingNode) -> bool {
    node.op.is_bilinear()
        && node.inputs.iter().all(|i| program.nodes[i.0 as usize].visibility != Visibility::Public)
}

/// A node's value, as correlations refer to it.
pub(crate) fn value(id: RingId) -> ValueId {
    ValueId(id.0)
}

/// The mask of a node's value.
pub(crate) fn mask(id: RingId) -> RingMask {
    RingMask::Value(value(id))
}
