//! Keeps a value in shares for later evaluations of the session.
//!
//! # Security
//! Nothing is sent: a party's share stays with it. A later evaluation opens the value under a mask of its own, or reveals
//! it through a fresh sharing of zero, so it does not matter how this sharing came about.

use std::sync::Arc;

use tacita_correlations::Share;
use tacita_program::RingNode;
use tacita_ring::RingTensor;

use crate::error::MpcError;
use crate::output::Output;
use crate::task::TaskContext;

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let id = node.inputs[0];
    let share = match ctx.public(id) {
        Some(public) if ctx.first() => Some(Share::new(public)),
        Some(_) => None,
        None => ctx.share(id)?,
    };
    Ok(Output::Kept(share.unwrap_or_else(|| Share::new(Arc::new(RingTensor::zeros(&node.shape))))))
}
