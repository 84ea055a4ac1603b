//! `[x_i < x_j]` for all pairs i < j of k values, at once, from differences of their openings, which are open.
//!
//! # Security
//! That of `compare`: fresh masks on every opened bit.

use tacita_graph::RingNode;

use super::compare::Comparisons;
use super::winner::{deal_pairs, pairs, signs};
use super::{Output, elements};
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::steps::Steps;
use crate::task::TaskContext;

pub(super) fn steps(node: &RingNode, bits: u32) -> Steps {
    Comparisons::signs(pairs(node.inputs.len()).len(), bits).steps(elements(node))
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode, bits: u32) -> Result<(), MpcError> {
    deal_pairs(ctx, node, bits)
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    signs(ctx, node, bits).await.map(Output::Bits)
}
