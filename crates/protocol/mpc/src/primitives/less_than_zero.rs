//! `[x < 0]` as XOR-shared bits: one comparison of the masked value with the mask.
//!
//! # Security
//! That of `compare`: fresh masks on every opened bit.

use tacita_program::RingNode;

use super::compare::Comparisons;
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::mask;

pub(super) fn steps(node: &RingNode, bits: u32) -> Steps {
    Comparisons::signs(1, bits, elements(node)).steps(0, |_| mask(node.inputs[0]))
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    let hat = ctx.masked(node.inputs[0])?;
    let signs = Comparisons::signs(1, bits, elements(node));
    let mut signs = signs.run(ctx, |_, range| &hat.data()[range]).await?;
    signs.pop().map(Output::bits).ok_or_else(|| MpcError::Internal("no sign".into()))
}
