//! What a party keeps in shares from one evaluation to the next.

use std::collections::BTreeMap;

use tacita_correlations::RingShare;
use tacita_program::RingId;

use crate::error::MpcError;
use crate::plan::Plan;

/// A value in shares, as one party keeps it.
///
/// # Security
/// P − 1 parties' shares say nothing of the value; those of all parties are the value.
#[derive(Clone)]
pub struct Kept {
    /// Which value it is, the same at all parties: of the session and evaluation that kept it, and its name.
    pub id: [u8; 32],
    /// Fractional bits.
    pub frac: u32,
    /// This party's share.
    pub share: RingShare,
}

/// By name.
pub type KeptValues = BTreeMap<String, Kept>;

/// The id of what an evaluation keeps under a name.
pub(crate) fn id(session: &[u8; 32], evaluation: u64, name: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("tacita kept value v1");
    hasher.update(session).update(&evaluation.to_le_bytes()).update(name.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The secret leaves of a plan, each with what is kept under its name.
///
/// # Errors
/// If nothing is kept under a name, or something of another shape or number of fractional bits.
pub(crate) fn leaves<'a>(plan: &Plan, kept: &'a KeptValues) -> Result<Vec<(RingId, &'a Kept)>, MpcError> {
    plan.secret_leaves()
        .map(|id| {
            let node = plan.node(id);
            let name = plan.name(node.origin);
            let refuse = |reason: String| MpcError::NotKept { node: name.to_owned(), reason };
            let value =
                kept.get(name).ok_or_else(|| refuse("no evaluation of this session kept it".into()))?;
            let frac = node.ty.frac();
            if value.share.local().shape() != node.shape || value.frac != frac {
                return Err(refuse(format!(
                    "it was kept as {:?} with {} fractional bits, and is used as {:?} with {frac}",
                    value.share.local().shape(),
                    value.frac,
                    node.shape
                )));
            }
            Ok((id, value))
        })
        .collect()
}

/// What parties must have alike of the values that an evaluation takes: their ids, in order. `None` if it takes none.
pub(crate) fn digest(leaves: &[(RingId, &Kept)]) -> Option<[u8; 32]> {
    if leaves.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new_derive_key("tacita kept values v1");
    leaves.iter().for_each(|(_, value)| {
        hasher.update(&value.id);
    });
    Some(*hasher.finalize().as_bytes())
}
