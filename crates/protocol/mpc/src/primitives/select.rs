//! `Σ_j b_j · trunc(x_j)` for shared bits b (masked by ρ: b = c ⊕ ρ) and masked or public values x.
//!
//! `b·t` is linear in shares of ρ, ρ·(r≫f), (1−ρ)·(r≫f), and the same with msb r (f bits each suffice): for c = 0 it is
//! ρ·t, for c = 1 it is (1−ρ)·t. A ReLU and a maximum end in it; a selection is it.
//!
//! # Security
//! Nothing is opened here; the bits' opening under ρ is a task of its own.

use tacita_correlations::{BitMask, Correlation, Gate, Number, Scratch, Unit, for_each_tile};
use tacita_program::{RingId, RingNode, RingOp, RingProgram, Visibility};
use tacita_ring::RingTensor;
use tacita_ring::simd::dispatch;

use super::truncate::public_parts;
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::{mask, value};

/// What a candidate needs.
pub(super) enum Candidate {
    /// A public zero adds nothing.
    Zero,
    /// The bit as a ring element.
    Public,
    /// ρ, ρ·r.
    Secret,
    /// ρ, (1−ρ)·low, ρ·low, (1−ρ)·top, ρ·top.
    Truncated,
}

impl Candidate {
    pub(super) fn of(program: &RingProgram, id: RingId, truncate: u32) -> Candidate {
        let node = &program.nodes[id.0 as usize];
        match (&node.op, node.visibility) {
            (RingOp::Constant { value: 0 }, _) => Candidate::Zero,
            (_, Visibility::Public) => Candidate::Public,
            _ if truncate == 0 => Candidate::Secret,
            _ => Candidate::Truncated,
        }
    }

    /// The numbers dealt for a candidate whose bit has its masks where `one` says and not where `zero` does.
    fn dealt(&self, n: usize, x: RingId, truncate: u32, [zero, one]: [&Gate; 2]) -> Vec<Correlation> {
        let high = |width, gate: &Gate, shift| {
            Correlation::numbers(n, width, gate.clone(), Number::High { mask: mask(x), shift })
        };
        let rho = || Correlation::numbers(n, 64, one.clone(), Number::One);
        match self {
            Candidate::Zero => vec![],
            Candidate::Public => vec![rho()],
            Candidate::Secret => vec![rho(), high(64, one, 0)],
            Candidate::Truncated => vec![
                rho(),
                high(64, zero, truncate),
                high(64, one, truncate),
                high(truncate, zero, 63),
                high(truncate, one, 63),
            ],
        }
    }
}

pub(super) fn steps(program: &RingProgram, node: &RingNode, truncate: &[u32]) -> Steps {
    let n = elements(node);
    let rho = BitMask::Values(vec![value(node.inputs[0])]);
    let candidates = node.inputs[1..].iter().zip(truncate).enumerate();
    let dealt = candidates.flat_map(|(j, (&x, &bits))| {
        let gates = [false, true].map(|bit| Gate::Bits { bits: rho.clone(), wanted: vec![(j, bit)] });
        Candidate::of(program, x, bits).dealt(n, x, bits, gates.each_ref())
    });
    Steps { dealt: dealt.collect(), openings: vec![] }
}

/// Bit `e` of a plane.
#[inline(always)]
pub(super) fn bit(words: &[u64], e: usize) -> u64 {
    words[e / 64] >> (e % 64) & 1
}

/// A party's share of b = c + (1 − 2c)·ρ, from its share of ρ; of c·v + (1 − 2c)·[ρ·v] likewise. `whole` is what the bit
/// multiplies at this party: 1 or 0, v.
#[inline(always)]
pub(super) fn unmask(c: u64, whole: u64, share: u64) -> u64 {
    let select = c.wrapping_neg();
    (select & whole).wrapping_add((share ^ select).wrapping_sub(select))
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode, truncate: &[u32]) -> Result<Output, MpcError> {
    let n = elements(node);
    let bits = ctx.masked_bits(node.inputs[0])?;
    let one = u64::from(ctx.first());
    let mut out = vec![0u64; n];
    let mut items = 0..;
    let mut next = || ctx.dealt(items.next().unwrap_or_default());
    for (j, (&x, &truncate)) in node.inputs[1..].iter().zip(truncate).enumerate() {
        let candidate = Candidate::of(&ctx.plan().program, x, truncate);
        if matches!(candidate, Candidate::Zero) {
            continue;
        }
        let plane = bits.slice_planes(j..j + 1);
        let hat = ctx.masked(x)?;
        let rho = next()?;
        let outputs = [(&mut out[..], Unit::Word)];
        match candidate {
            Candidate::Zero => {}
            Candidate::Public => for_each_tile(n, outputs, &|range, [out]| {
                let mut scratch = Scratch::default();
                let rho = rho.read(range.clone(), &mut scratch)?;
                let c = &plane.words()[range.start / 64..];
                let hat = &hat.data()[range];
                dispatch(
                    #[inline(always)]
                    || {
                        for (e, (out, (hat, rho))) in out.iter_mut().zip(hat.iter().zip(rho)).enumerate() {
                            let t = if truncate == 0 { *hat } else { (*hat as i64 >> truncate) as u64 };
                            *out = out.wrapping_add(t.wrapping_mul(unmask(bit(c, e), one, *rho)));
                        }
                    },
                );
                Ok(())
            })?,
            Candidate::Secret => {
                // b·x = x̂·b − b·r, and b·r = c·[r] + (1 − 2c)·[ρ·r]
                let rho_r = next()?;
                let r = ctx.mask(x)?;
                for_each_tile(n, outputs, &|range, [out]| {
                    let (mut scratch, mut more) = (Scratch::default(), Scratch::default());
                    let rho = rho.read(range.clone(), &mut scratch)?;
                    let rho_r = rho_r.read(range.clone(), &mut more)?;
                    let c = &plane.words()[range.start / 64..];
                    let hat = &hat.data()[range.clone()];
                    let zeros;
                    let r = match &r {
                        Some(r) => &r.local().data()[range],
                        None => {
                            zeros = vec![0; hat.len()];
                            &zeros
                        }
                    };
                    dispatch(
                        #[inline(always)]
                        || {
                            let values = hat.iter().zip(r).zip(rho.iter().zip(rho_r));
                            for (e, (out, ((hat, r), (rho, rho_r)))) in out.iter_mut().zip(values).enumerate()
                            {
                                let c = bit(c, e);
                                let bx = hat.wrapping_mul(unmask(c, one, *rho));
                                *out = out.wrapping_add(bx.wrapping_sub(unmask(c, *r, *rho_r)));
                            }
                        },
                    );
                    Ok(())
                })?;
            }
            Candidate::Truncated => {
                let (low1, low0, top1, top0) = (next()?, next()?, next()?, next()?);
                for_each_tile(n, outputs, &|range, [out]| {
                    let [mut s0, mut s1, mut s2, mut s3] = std::array::from_fn(|_| Scratch::default());
                    let rho = rho.read(range.clone(), &mut s0)?;
                    let low1 = low1.read(range.clone(), &mut s1)?;
                    let low0 = low0.read(range.clone(), &mut s2)?;
                    let top1 = top1.elements(&range, truncate, &mut s3)?;
                    let top0 = top0.elements(&range, truncate, &mut s3)?;
                    let c = &plane.words()[range.start / 64..];
                    let hat = &hat.data()[range];
                    dispatch(
                        #[inline(always)]
                        || {
                            let values =
                                hat.iter().zip(rho).zip(low1.iter().zip(low0)).zip(top1.iter().zip(&top0));
                            for (e, (out, (((hat, rho), (low1, low0)), (top1, top0)))) in
                                out.iter_mut().zip(values).enumerate()
                            {
                                let c = bit(c, e);
                                let select = c.wrapping_neg();
                                let (public, wrap) = public_parts(*hat, truncate);
                                let low = (low1 & select) | (low0 & !select);
                                let top = (top1 & select) | (top0 & !select);
                                let value = public
                                    .wrapping_mul(unmask(c, one, *rho))
                                    .wrapping_sub(low)
                                    .wrapping_add(wrap.wrapping_mul(top));
                                *out = out.wrapping_add(value);
                            }
                        },
                    );
                    Ok(())
                })?;
            }
        }
    }
    Ok(Output::share(RingTensor::new(node.shape.clone(), out)))
}
