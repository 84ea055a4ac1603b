//! Whether a truncation by f bits rounds up, `[ẑ mod 2^f < r mod 2^f]`, as XOR-shared bits: what the truncation of the
//! same opening is above the floor. The carry of z and r out of their low f bits is one exactly where the low bits of
//! their sum are below those of r. One comparison, of the low bits alone in the places of the highest.
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

/// The low bits, moved to below bit 63.
fn low(values: &[u64], bits: u32) -> Vec<u64> {
    values.iter().map(|value| value << (64 - bits) >> 1).collect()
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode, bits: u32) -> Result<(), MpcError> {
    let x = node.inputs[0];
    compare::deal(ctx, elements(node), 1, |ctx, _| Ok(low(ctx.mask(x)?.data(), bits)))
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    let hat = ctx.opening(node.inputs[0])?;
    let mut above = compare::signs(ctx, elements(node), 1, |_, range| low(&hat.data()[range], bits)).await?;
    above.pop().map(Output::Bits).ok_or_else(|| MpcError::Internal("no comparison".into()))
}
