//! `[x_i < x_j]` for all pairs i < j of k values, at once, from differences of their openings, which are open.
//!
//! # Security
//! That of `compare`: fresh masks on every opened bit.

use tacita_program::RingNode;

use super::Output;
use super::one_hot_argmax::{comparisons, deal_pairs, signs};
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::steps::Steps;
use crate::task::TaskContext;

pub(super) fn steps(node: &RingNode, bits: u32) -> Steps {
    comparisons(node, bits).steps()
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode, bits: u32) -> Result<(), MpcError> {
    deal_pairs(ctx, node, bits)
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    signs(ctx, node, bits).await.map(Output::Bits)
}
