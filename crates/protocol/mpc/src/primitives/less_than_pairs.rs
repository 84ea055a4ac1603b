//! `[x_i < x_j]` for all pairs i < j of k values, at once, from differences of their masked values.
//!
//! # Security
//! That of `compare`: fresh masks on every opened bit.

use tacita_program::RingNode;

use super::one_hot_argmax::{signs, steps_of_pairs};
use crate::error::MpcError;
use crate::output::Output;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::Values;

pub(super) fn steps(values: &Values<'_>, node: &RingNode, bits: u32) -> Steps {
    steps_of_pairs(values, node, bits)
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    signs(ctx, node, bits).await.map(Output::bits)
}
