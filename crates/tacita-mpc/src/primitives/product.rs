//! Any bilinear map of two opened values: `[x∘y] = x̂∘[y] − [r_x]∘ŷ + [r_x∘r_y]`
//! (Beaver, CRYPTO '91, with openings kept with the value as in ABY2.0, USENIX Security '21).
//!
//! # Security
//! Nothing is opened. One party receives the dealer's correction for `r_x∘r_y`, masked by the others' streams.
//!
//! Where one operand is a weight, `[r_x]∘ŷ` is known before the input is and computed in the offline phase.

use tacita_graph::{RingId, RingNode, bilinear, bilinear_into};
use tacita_ring::{RingTensor, Sign};

use super::{Output, elements};
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::plan::Form;
use crate::steps::{Item, Steps};
use crate::task::TaskContext;

pub(super) fn steps(node: &RingNode) -> Steps {
    Steps { dealt: vec![Item::Ring(elements(node))], openings: vec![] }
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode) -> Result<(), MpcError> {
    if node.inputs.iter().any(|&i| ctx.plan.form(i) == Form::Public) {
        return Ok(());
    }
    let (x, y) = (ctx.mask(node.inputs[0])?, ctx.mask(node.inputs[1])?);
    ctx.emit(bilinear(&node.op, &x, &y, &node.shape).into_data())
}

/// The operand that plays y: a weight if there is one, so that its partner's mask times it can be prepared.
fn second(ctx: TaskContext<'_>, node: &RingNode) -> usize {
    let persistent = |i: usize| ctx.plan().form(node.inputs[i]) == Form::Persistent;
    usize::from(persistent(1) || !persistent(0))
}

/// `−[r_x]∘ŷ` for a weight y: the part of the product that needs no input. `None` if it is zero or needs one.
pub(crate) fn prepare(ctx: TaskContext<'_>, id: RingId) -> Result<Option<RingTensor>, MpcError> {
    let plan = ctx.plan();
    let node = plan.node(id);
    if !super::is_product(plan.program(), node) {
        return Ok(None);
    }
    let y = second(ctx, node);
    if plan.form(node.inputs[y]) != Form::Persistent {
        return Ok(None);
    }
    let mut out = RingTensor::zeros(&node.shape);
    subtract_masked(ctx, node, y, &mut out)?;
    Ok(Some(out))
}

fn subtract_masked(
    ctx: TaskContext<'_>,
    node: &RingNode,
    y: usize,
    out: &mut RingTensor,
) -> Result<(), MpcError> {
    if let Some(mask) = ctx.mask(node.inputs[1 - y])? {
        let hat = ctx.opening(node.inputs[y])?;
        apply(node, y, out, &mask, &hat, Sign::Minus);
    }
    Ok(())
}

/// `out ± x∘y` with the operands in the node's own order; `y` says which of the two inputs the second tensor is.
fn apply(node: &RingNode, y: usize, out: &mut RingTensor, a: &RingTensor, b: &RingTensor, sign: Sign) {
    if y == 1 {
        bilinear_into(&node.op, out, a, b, sign);
    } else {
        bilinear_into(&node.op, out, b, a, sign);
    }
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let y = second(ctx, node);
    let mut out = match ctx.take_prepared() {
        Some(prepared) => prepared,
        None => {
            let mut out = RingTensor::zeros(&node.shape);
            subtract_masked(ctx, node, y, &mut out)?;
            out
        }
    };
    if let Some(share) = ctx.share(node.inputs[y])? {
        let hat = ctx.opening(node.inputs[1 - y])?;
        apply(node, y, &mut out, &hat, &share, Sign::Plus);
    }
    ctx.add_dealt(0, out.data_mut())?;
    Ok(Output::Share(Some(out)))
}
