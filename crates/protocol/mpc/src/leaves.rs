//! Leaves: the values that enter an evaluation.

use std::collections::BTreeMap;
use std::sync::Arc;

use tacita_program::RingId;
use tacita_ring::RingTensor;

use crate::error::MpcError;
use crate::plan::Plan;

/// Values of leaves by ring node: a party's own and the public ones.
pub type Leaves = BTreeMap<RingId, Arc<RingTensor>>;

/// A leaf that this member knows, of its shape.
pub(crate) fn leaf<'l>(plan: &Plan, leaves: &'l Leaves, id: RingId) -> Result<&'l Arc<RingTensor>, MpcError> {
    let (value, node) = (leaves.get(&id).ok_or_else(|| missing_leaf(plan, id))?, plan.node(id));
    if value.shape() != node.shape {
        let name = plan.name(node.origin);
        let reason = format!("leaf `{name}` is {:?}, not {:?}", value.shape(), node.shape);
        return Err(MpcError::Internal(reason));
    }
    Ok(value)
}

pub(crate) fn missing_leaf(plan: &Plan, id: RingId) -> MpcError {
    let owner = plan.owner(id).map_or("everybody", |owner| plan.member_names()[owner]).to_owned();
    MpcError::MissingLeaf { node: plan.name(plan.node(id).origin).to_owned(), owner }
}
