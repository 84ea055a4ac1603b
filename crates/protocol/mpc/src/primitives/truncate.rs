//! Truncation by f bits of a masked value, |z| < 2^62, without communication:
//! `⌊z/2^f⌋ ≈ (ẑ≫f) − [r≫f] + 2^(64−f)·(1−msb ẑ)·[msb r]` with a public offset of 2^62
//! (the wrap bit of Escudero et al., CRYPTO '20).
//!
//! # Security
//! Nothing is opened. The result is `⌈(z−ρ)/2^f⌉` with ρ uniform and public (the low bits of the mask and the masked value):
//! stochastic rounding with a public coin, off by less than one unit, never wildly wrong
//! (Li et al., USENIX Security '23, on what such truncation reveals).

use tacita_correlations::{Correlation, Gate, Number, Scratch, Unit, for_each_tile};
use tacita_program::RingNode;
use tacita_ring::RingTensor;
use tacita_ring::simd::dispatch;

use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::mask;

/// The offset that makes a truncated value positive.
const OFFSET: u64 = 1 << 62;

pub(super) fn steps(node: &RingNode, bits: u32) -> Steps {
    let n = elements(node);
    let high = |width, shift| {
        let number = Number::High { mask: mask(node.inputs[0]), shift };
        Correlation::numbers(n, width, Gate::Always, number)
    };
    Steps { dealt: vec![high(64, bits), high(bits, 63)], openings: vec![] }
}

/// `(ẑ ≫ f)` and the factor of `msb r`: what is public of a truncation.
#[inline(always)]
pub(super) fn public_parts(hat: u64, bits: u32) -> (u64, u64) {
    let hat = hat.wrapping_add(OFFSET);
    ((hat >> bits).wrapping_sub(OFFSET >> bits), (1 - (hat >> 63)) << (64 - bits))
}

/// The truncated values, from masked value and mask: what `mpc` computes, in the clear.
pub(crate) fn clear(hat: u64, mask: u64, bits: u32) -> u64 {
    let (public, wrap) = public_parts(hat, bits);
    public.wrapping_sub(mask >> bits).wrapping_add(wrap.wrapping_mul(mask >> 63))
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    let hat = ctx.masked(node.inputs[0])?;
    let (low, top) = (ctx.dealt(0)?, ctx.dealt(1)?);
    let first = ctx.first();
    let mut out = vec![0; hat.len()];
    for_each_tile(out.len(), [(&mut out, Unit::Word)], &|range, [out]| {
        let (mut scratch, mut more) = (Scratch::default(), Scratch::default());
        let low = low.read(range.clone(), &mut scratch)?;
        let top = top.elements(&range, bits, &mut more)?;
        let hat = &hat.data()[range];
        dispatch(
            #[inline(always)]
            || {
                for (((out, hat), low), top) in out.iter_mut().zip(hat).zip(low).zip(&top) {
                    let (public, wrap) = public_parts(*hat, bits);
                    let public = if first { public } else { 0 };
                    *out = public.wrapping_sub(*low).wrapping_add(wrap.wrapping_mul(*top));
                }
            },
        );
        Ok(())
    })?;
    Ok(Output::share(RingTensor::new(node.shape.clone(), out)))
}
