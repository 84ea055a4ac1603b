//! `e^(x mod W − W + 1)` of a masked value, W 8 or 16: with x̂' and r' the masked value and the mask modulo W and w = [x̂' < r'],
//! x mod W is x̂' − r' + W w, so the result is `e^(x̂' + 1) · (e^(−r' − W) + w (e^(−r') − e^(−r' − W)))`: a public number times
//! what is linear in dealt numbers once w is open under a mask bit. Ours.
//!
//! # Security
//! Opened are the comparison's bits and w, all under fresh masks. What is dealt are shares of functions of masks.

use tacita_correlations::{
    BitMask, Correlation, ExponentialPart, Gate, Item, Number, Scratch, Share, Unit, for_each_tile, words,
};
use tacita_program::RingNode;
use tacita_ring::{BitTensor, Exponential, RingTensor};

use super::compare::Comparisons;
use super::select::{bit, unmask};
use crate::comparison::Span;
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::{Opening, Steps};
use crate::task::TaskContext;
use crate::values::mask;

fn comparison(node: &RingNode, spec: &Exponential) -> Comparisons {
    let span = Span::new(0, spec.bits() as usize);
    Comparisons::of(span, None, &[span], elements(node))
}

pub(super) fn steps(node: &RingNode, spec: &Exponential) -> Steps {
    let (n, r) = (elements(node), mask(node.inputs[0]));
    let mut steps = comparison(node, spec).steps(0, |_| r.clone());
    let part = |part| Number::Exponential { mask: r.clone(), spec: *spec, part };
    let wraps = BitMask::Step { step: steps.openings.len() as u16, first: 0, planes: 1 };
    let masked = Gate::Bits { bits: wraps, wanted: vec![(0, true)] };
    steps.dealt.extend([
        Correlation::numbers(n, 64, Gate::Always, part(ExponentialPart::Least)),
        Correlation::numbers(n, 64, Gate::Always, part(ExponentialPart::Growth)),
        Correlation::numbers(n, 64, masked, part(ExponentialPart::Growth)),
    ]);
    steps.openings.push(Opening::all(Item::Bits(words(n, 1))));
    steps
}

pub(super) async fn run(
    ctx: TaskContext<'_>,
    node: &RingNode,
    spec: &Exponential,
) -> Result<Output, MpcError> {
    let n = elements(node);
    let hat = ctx.masked(node.inputs[0])?;
    let comparison = comparison(node, spec);
    let wraps = comparison.run(ctx, |_, range| &hat.data()[range]).await?;
    let wraps = wraps.into_iter().next().map_or_else(Vec::new, BitTensor::into_words);
    let step = comparison.rounds() as u16;
    let wraps = ctx.open(step, Share::new(wraps)).await?.unwrap_or_default();
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
