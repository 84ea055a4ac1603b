//! Forms: how the members hold a value when the online phase uses it.

use std::collections::BTreeSet;

use tacita_program::{RingId, RingProgram};

/// Names the value of a persistent leaf for the length of a session: another value needs another key.
pub type LeafKey = [u8; 32];

/// How a value is held when the online phase uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Every member knows it.
    Public,
    /// Additive or XOR shares, never masked.
    Share,
    /// Shares, then the masked value, under a mask of its own.
    Masked,
    /// The masked value, opened once for the session (a weight).
    Persistent,
    /// A linear image of masked values, and of their masks.
    Derived,
}

impl Form {
    pub fn is_masked(self) -> bool {
        matches!(self, Form::Masked | Form::Persistent | Form::Derived)
    }
}

/// `id` and all nodes of which its mask is a linear image, in ascending order.
pub(crate) fn mask_sources(program: &RingProgram, form: &[Form], id: RingId) -> BTreeSet<RingId> {
    let mut found = BTreeSet::new();
    let mut todo = vec![id];
    while let Some(next) = todo.pop() {
        if found.insert(next) && form[next.0 as usize] == Form::Derived {
            todo.extend(&program.nodes[next.0 as usize].inputs);
        }
    }
    found
}
