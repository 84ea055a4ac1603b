//! The digest that members compare before they evaluate a plan.

use std::collections::BTreeMap;

use tacita_program::{RingId, RingProgram};

use crate::form::LeafKey;

/// Hashes everything that determines a plan: the program, the members' names and the keys of persistent leaves.
pub(super) fn digest(
    program: &RingProgram,
    names: &[String],
    data_owners: &[String],
    keys: &BTreeMap<RingId, LeafKey>,
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("tacita plan v3");
    hasher.update(&program.digest());
    for names in [names, data_owners] {
        hasher.update(&(names.len() as u64).to_le_bytes());
        for name in names {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
        }
    }
    for (id, key) in keys {
        hasher.update(&id.0.to_le_bytes());
        hasher.update(key);
    }
    *hasher.finalize().as_bytes()
}
