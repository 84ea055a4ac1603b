//! `f · trunc(x)` for a factor that one of several open bits chooses, f = Σ_j b_j f_j with public f_j, and a masked x.
//!
//! x = x̂ − r, so f·x = x̂·\[f\] − Σ_j f_j \[b_j r\], and b_j r = c_j r + (1 − 2c_j) ρ_j r is linear in the dealt ρ_j·r. A truncated x
//! is public − low + wrap·top (see `truncate`), whose low and top take the place of r.
//!
//! # Security
//! Nothing is opened here; the bits' opening under the ρ_j is a task of its own.

use tacita_correlations::{BitMask, Correlation, Gate, Number, Scratch, Unit, for_each_tile};
use tacita_program::RingNode;
use tacita_ring::RingTensor;

use super::select::{bit, unmask};
use super::truncate::public_parts;
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::{mask, value};

/// The planes whose factor is not zero.
fn used(factors: &[i64]) -> impl Iterator<Item = (usize, u64)> {
    factors.iter().enumerate().filter(|(_, factor)| **factor != 0).map(|(j, &factor)| (j, factor as u64))
}

/// For x as it is the ρ_j r; for a truncated one low, top, then the ρ_j low and ρ_j top.
pub(super) fn steps(node: &RingNode, factors: &[i64], truncate: u32) -> Steps {
    let n = elements(node);
    let parts = |gate: Gate| {
        let high = |width, shift| {
            Correlation::numbers(n, width, gate.clone(), Number::High { mask: mask(node.inputs[2]), shift })
        };
        if truncate == 0 { vec![high(64, 0)] } else { vec![high(64, truncate), high(truncate, 63)] }
    };
    let mut dealt = if truncate == 0 { vec![] } else { parts(Gate::Always) };
    for (j, _) in used(factors) {
        let rho = BitMask::Values(vec![value(node.inputs[0])]);
        dealt.extend(parts(Gate::Bits { bits: rho, wanted: vec![(j, true)] }));
    }
    Steps { dealt, openings: vec![] }
}

pub(super) fn run(
    ctx: TaskContext<'_>,
    node: &RingNode,
    factors: &[i64],
    truncate: u32,
) -> Result<Output, MpcError> {
    let n = elements(node);
    let bits = ctx.masked_bits(node.inputs[0])?;
    let planes: Vec<_> = used(factors).map(|(j, f)| (bits.slice_planes(j..j + 1), f)).collect();
    let factor = ctx.share(node.inputs[1])?;
    let hat = ctx.masked(node.inputs[2])?;
    let each = if truncate == 0 { 1 } else { 2 };
    let whole = if truncate == 0 { None } else { Some((ctx.dealt(0)?, ctx.dealt(1)?)) };
    let first = if truncate == 0 { 0 } else { 2 };
    let mask = if truncate == 0 { ctx.mask(node.inputs[2])? } else { None };
    let dealt = (0..each * planes.len()).map(|i| ctx.dealt(first + i)).collect::<Result<Vec<_>, _>>()?;
    let mut out = vec![0; n];
    for_each_tile(n, [(&mut out, Unit::Word)], &|range, [out]| {
        let mut scratch = Scratch::default();
        let hat = &hat.data()[range.clone()];
        let factor = factor.as_ref().map(|f| &f.local().data()[range.clone()]);
        // what the mask is at this party: r, or low and top
        let (mut low, mut top) = (vec![0; range.len()], vec![0; range.len()]);
        if let Some((l, t)) = &whole {
            low.copy_from_slice(l.read(range.clone(), &mut scratch)?);
            top = t.elements(&range, truncate, &mut scratch)?;
        } else if let Some(mask) = &mask {
            low.copy_from_slice(&mask.local().data()[range.clone()]);
        }
        let (mut lows, mut tops) = (vec![0u64; range.len()], vec![0u64; range.len()]);
        for ((plane, f), dealt) in planes.iter().zip(dealt.chunks_exact(each)) {
            let c = &plane.words()[range.start / 64..];
            let rho_low = dealt[0].read(range.clone(), &mut scratch)?;
            for (e, (sum, (low, rho_low))) in lows.iter_mut().zip(low.iter().zip(rho_low)).enumerate() {
                *sum = sum.wrapping_add(f.wrapping_mul(unmask(bit(c, e), *low, *rho_low)));
            }
            if let Some(source) = dealt.get(1) {
                let rho_top = source.elements(&range, truncate, &mut scratch)?;
                for (e, (sum, (top, rho_top))) in tops.iter_mut().zip(top.iter().zip(&rho_top)).enumerate() {
                    *sum = sum.wrapping_add(f.wrapping_mul(unmask(bit(c, e), *top, *rho_top)));
                }
            }
        }
        for (e, out) in out.iter_mut().enumerate() {
            let (public, wrap) = if truncate == 0 { (hat[e], 0) } else { public_parts(hat[e], truncate) };
            let f = factor.map_or(0, |factor| factor[e]);
            *out = public.wrapping_mul(f).wrapping_sub(lows[e]).wrapping_add(wrap.wrapping_mul(tops[e]));
        }
        Ok(())
    })?;
    Ok(Output::share(RingTensor::new(node.shape.clone(), out)))
}
