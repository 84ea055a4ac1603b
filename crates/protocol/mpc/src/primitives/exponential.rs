//! `e^(x mod W − W + 1)` of an opened value, W 8 or 16: with x̂' and r' the opening and the mask modulo W and w = [x̂' < r'],
//! x mod W is x̂' − r' + W w, so the result is `e^(x̂' + 1) · (e^(−r' − W) + w (e^(−r') − e^(−r' − W)))`: a public number times
//! what is linear in dealt numbers once w is open under a mask bit. Ours.
//!
//! # Security
//! Opened are the comparison's bits and w, all under fresh masks. What is dealt are shares of functions of masks.

use tacita_program::RingNode;
use tacita_ring::{BitTensor, Exponential, RingTensor};

use super::compare::Comparisons;
use super::select::{bit, unmask};
use super::{Output, elements};
use crate::blocks::{Unit, for_each_tile, words};
use crate::comparison::Span;
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::steps::{Item, Opening, Steps};
use crate::streams::Scratch;
use crate::task::TaskContext;

fn comparison(node: &RingNode, spec: &Exponential) -> Comparisons {
    let span = Span::new(0, spec.bits() as usize);
    Comparisons::of(span, None, &[span], elements(node))
}

pub(super) fn steps(node: &RingNode, spec: &Exponential) -> Steps {
    let n = elements(node);
    let mut steps = comparison(node, spec).steps();
    steps.openings.push(Opening::all(Item::Bits(words(n, 1))));
    steps.dealt.extend([Item::Ring(n); 3]);
    steps
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode, spec: &Exponential) -> Result<(), MpcError> {
    let n = elements(node);
    let r = ctx.mask(node.inputs[0])?;
    let comparison = comparison(node, spec);
    comparison.deal(ctx, |_, _| Ok(r.clone()))?;
    let (mut least, mut growth) = (vec![0; n], vec![0; n]);
    let outputs = [(&mut least[..], Unit::Word), (&mut growth[..], Unit::Word)];
    for_each_tile(n, outputs, &|range, [least, growth]| {
        spec.small_factors(&r.data()[range], least, growth);
        Ok(())
    })?;
    let rho = ctx.step_masks(comparison.rounds() as u16).read(0..words(n, 1))?;
    ctx.emit(least)?;
    ctx.emit_each(n, &|e| growth[e])?;
    ctx.emit_gated(n, &|i| rho[i], &|e| growth[e])
}

pub(super) async fn run(
    ctx: TaskContext<'_>,
    node: &RingNode,
    spec: &Exponential,
) -> Result<Output, MpcError> {
    let n = elements(node);
    let hat = ctx.opening(node.inputs[0])?;
    let comparison = comparison(node, spec);
    let wraps = comparison.run(ctx, |_, range| &hat.data()[range]).await?;
    let wraps = wraps.into_iter().next().map_or_else(Vec::new, BitTensor::into_words);
    let step = comparison.rounds() as u16;
    let wraps = ctx.open(step, wraps)?.await?.unwrap_or_default();
    let items = comparison.items();
    let (least, growth, masked) = (ctx.dealt(items)?, ctx.dealt(items + 1)?, ctx.dealt(items + 2)?);
    let mut out = vec![0; n];
    for_each_tile(n, [(&mut out, Unit::Word)], &|range, [out]| {
        let [mut s0, mut s1, mut s2] = std::array::from_fn(|_| Scratch::default());
        let least = least.read(range.clone(), &mut s0)?;
        let growth = growth.read(range.clone(), &mut s1)?;
        let masked = masked.read(range.clone(), &mut s2)?;
        let c = &wraps[range.start / 64..];
        spec.large_factors(&hat.data()[range], out);
        for (e, (out, (least, (growth, masked)))) in
            out.iter_mut().zip(least.iter().zip(growth.iter().zip(masked))).enumerate()
        {
            *out = out.wrapping_mul(least.wrapping_add(unmask(bit(c, e), *growth, *masked)));
        }
        Ok(())
    })?;
    Ok(Output::share(RingTensor::new(node.shape.clone(), out)))
}
