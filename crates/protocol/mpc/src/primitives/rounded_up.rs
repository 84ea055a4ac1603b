//! Whether a truncation by f bits rounds up, `[ẑ mod 2^f < r mod 2^f]`, as XOR-shared bits: what the truncation of the
//! same masked value is above the floor. The carry of z and r out of their low f bits is one exactly where the low bits of
//! their sum are below those of r. One comparison, of the low bits alone.
//!
//! # Security
//! That of `compare`: fresh masks on every opened bit.

use tacita_program::RingNode;

use super::compare::Comparisons;
use crate::comparison::Span;
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::mask;

fn comparison(node: &RingNode, bits: u32) -> Comparisons {
    let span = Span::new(0, bits as usize);
    Comparisons::of(span, None, &[span], elements(node))
}

pub(super) fn steps(node: &RingNode, bits: u32) -> Steps {
    comparison(node, bits).steps(0, |_| mask(node.inputs[0]))
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    let hat = ctx.masked(node.inputs[0])?;
    let mut above = comparison(node, bits).run(ctx, |_, range| &hat.data()[range]).await?;
    above.pop().map(Output::bits).ok_or_else(|| MpcError::Internal("no comparison".into()))
}
