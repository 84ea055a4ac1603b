//! Any bilinear map of two masked values: `[x∘y] = x̂∘[y] − [r_x]∘ŷ + [r_x∘r_y]`
//! (Beaver, CRYPTO '91, with masked values kept as in ABY2.0, USENIX Security '21).
//!
//! If computing party j owns y, it knows y and all of r_y, so that its own part of r_x needs no correction, and both of
//! its products become one: j takes `(x̂ − [r_x]_j)∘y`, every other party i `−[r_x]_i∘ŷ`, and D deals
//! `(r_x − [r_x]_j)∘r_y`. The sum is `(x̂ − r_x)∘y`.
//!
//! # Security
//! Nothing is opened. One party receives the dealer's correction, masked by the others' streams.
//!
//! Where one operand is a weight, `[r_x]∘ŷ` is known before the input is, and computed in the offline phase if that is apart
//! from the online phase ([`Config::overlap`](crate::Config::overlap)).

use tacita_correlations::{Bilinear, Correlation, RingMask};
use tacita_program::{RingId, RingNode, bilinear_into};
use tacita_ring::{RingTensor, Sign};

use crate::error::MpcError;
use crate::form::Form;
use crate::output::Output;
use crate::plan::Plan;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::{Values, is_product, mask, value};

pub(super) fn steps(values: &Values<'_>, node: &RingNode, map: Bilinear) -> Steps {
    let y = second(values, node);
    let mut operands = [mask(node.inputs[0]), mask(node.inputs[1])];
    if let Some(party) = owner(values, node, y) {
        operands[1 - y] = RingMask::Others { value: value(node.inputs[1 - y]), party };
    }
    Steps { dealt: vec![Correlation::product(map, &node.shape, operands)], openings: vec![] }
}

/// The computing party that knows operand `y`.
fn owner(values: &Values<'_>, node: &RingNode, y: usize) -> Option<usize> {
    values.owner(node.inputs[y]).filter(|&owner| owner < values.parties)
}

/// The operand that plays y: one that a computing party owns, which saves that party a product; else a weight, so that its
/// partner's mask times it can be prepared.
fn second(values: &Values<'_>, node: &RingNode) -> usize {
    let rank = |i: usize| (owner(values, node, i).is_some(), values.form(node.inputs[i]) == Form::Persistent);
    usize::from(rank(1) >= rank(0))
}

/// How many products all parties and the dealer compute for a node together.
pub(crate) fn products(plan: &Plan, node: &RingNode) -> usize {
    let y = second(&plan.values(), node);
    let holders = |id: RingId| (0..plan.parties()).filter(move |&me| plan.own_mask_stream(id, me).is_some());
    let of_masks = holders(node.inputs[1 - y]);
    match owner(&plan.values(), node, y) {
        Some(owner) => match of_masks.filter(|&party| party != owner).count() {
            0 => 1,
            others => 1 + others + 1,
        },
        None => of_masks.count() + holders(node.inputs[y]).count() + 1,
    }
}

/// `−[r_x]∘ŷ` for a weight y: the part of the product that needs no input. `None` if it is zero or needs one.
pub(crate) fn prepare(ctx: TaskContext<'_>, id: RingId) -> Result<Option<RingTensor>, MpcError> {
    let plan = ctx.plan();
    let node = plan.node(id);
    if !is_product(plan.program(), node) {
        return Ok(None);
    }
    let y = second(&plan.values(), node);
    if plan.form(node.inputs[y]) != Form::Persistent || owner(&plan.values(), node, y) == Some(ctx.eval.me) {
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
        let hat = ctx.masked(node.inputs[y])?;
        apply(node, y, out, mask.local(), &hat, Sign::Minus);
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

/// All of a product but what is dealt, so that who waits for the dealer has done the rest. `None` of what is no product.
pub(crate) fn ahead_of_dealer(ctx: TaskContext<'_>, id: RingId) -> Result<Option<RingTensor>, MpcError> {
    let (plan, node) = (ctx.plan(), ctx.plan().node(id));
    if !is_product(plan.program(), node) {
        return Ok(None);
    }
    let y = second(&plan.values(), node);
    let owner = owner(&plan.values(), node, y);
    let prepared = ctx.take_prepared();
    let is_prepared = prepared.is_some();
    let mut out = prepared.unwrap_or_else(|| RingTensor::zeros(&node.shape));
    if owner == Some(ctx.eval.me) {
        let x = ctx.masked_less_own_mask(node.inputs[1 - y])?;
        apply(node, y, &mut out, x.local(), ctx.owned(node.inputs[y])?.local(), Sign::Plus);
    } else {
        if !is_prepared {
            subtract_masked(ctx, node, y, &mut out)?;
        }
        if owner.is_none()
            && let Some(share) = ctx.share(node.inputs[y])?
        {
            let hat = ctx.masked(node.inputs[1 - y])?;
            apply(node, y, &mut out, &hat, share.local(), Sign::Plus);
        }
    }
    Ok(Some(out))
}

/// Adds what is dealt.
pub(super) fn run(ctx: TaskContext<'_>) -> Result<Output, MpcError> {
    let out = ctx.take_prepared();
    let mut out = out.ok_or_else(|| MpcError::Internal(format!("task {} has no product", ctx.task)))?;
    ctx.add_dealt(0, out.data_mut())?;
    Ok(Output::share(out))
}
