//! `[x < 0]` as XOR-shared bits: one comparison of the opening with the mask.
//!
//! # Security
//! That of `compare`: fresh masks on every opened bit.

use tacita_graph::RingNode;

use super::{Output, compare, elements};
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::steps::Steps;
use crate::task::TaskContext;

pub(super) fn steps(node: &RingNode) -> Steps {
    compare::steps(elements(node), 1)
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode) -> Result<(), MpcError> {
    let x = node.inputs[0];
    compare::deal(ctx, elements(node), 1, |ctx, _| Ok(ctx.mask(x)?.data().to_vec()))
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let hat = ctx.opening(node.inputs[0])?;
    let mut signs = compare::signs(ctx, elements(node), 1, |_, range| &hat.data()[range]).await?;
    signs.pop().map(Output::Bits).ok_or_else(|| MpcError::Internal("no sign".into()))
}
