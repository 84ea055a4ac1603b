//! `Σ_j b_j · trunc(x_j)` for shared bits b (opened under masks ρ: b = c ⊕ ρ) and opened or public values x.
//!
//! `b·t` is linear in shares of ρ, ρ·(r≫f), (1−ρ)·(r≫f), and the same with msb r (f bits each suffice): for c = 0 it is
//! ρ·t, for c = 1 it is (1−ρ)·t. A ReLU and a maximum end in it; a selection is it.
//!
//! # Security
//! Nothing is opened here; the bits' opening under ρ is a task of its own.

use tacita_graph::{RingId, RingNode, RingOp, RingProgram, Visibility};
use tacita_ring::{BitTensor, RingTensor};

use super::truncate::public_parts;
use super::{Output, elements};
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::narrow;
use crate::steps::{Item, Steps};
use crate::task::TaskContext;

/// What a candidate needs.
enum Candidate {
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
    fn of(program: &RingProgram, id: RingId, truncate: u32) -> Candidate {
        let node = &program.nodes[id.0 as usize];
        match (&node.op, node.visibility) {
            (RingOp::Constant { value: 0 }, _) => Candidate::Zero,
            (_, Visibility::Public) => Candidate::Public,
            _ if truncate == 0 => Candidate::Secret,
            _ => Candidate::Truncated,
        }
    }

    fn items(&self, n: usize, truncate: u32) -> Vec<Item> {
        let (ring, narrow) = (Item::Ring(n), Item::holding(n, truncate));
        match self {
            Candidate::Zero => vec![],
            Candidate::Public => vec![ring],
            Candidate::Secret => vec![ring, ring],
            Candidate::Truncated => vec![ring, ring, ring, narrow, narrow],
        }
    }
}

pub(super) fn steps(program: &RingProgram, node: &RingNode, truncate: u32) -> Steps {
    let n = elements(node);
    let items = node.inputs[1..].iter().flat_map(|&x| Candidate::of(program, x, truncate).items(n, truncate));
    Steps { dealt: items.collect(), openings: vec![] }
}

/// The bit of each element of a plane.
#[inline(always)]
fn bit(words: &[u64], e: usize) -> u64 {
    words[e / 64] >> (e % 64) & 1
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode, truncate: u32) -> Result<(), MpcError> {
    let n = elements(node);
    let rho = BitTensor::from_words(n, node.inputs.len() - 1, ctx.bit_mask(node.inputs[0])?);
    for (j, &x) in node.inputs[1..].iter().enumerate() {
        let plane = rho.slice_planes(j..j + 1);
        let rho = plane.words();
        match Candidate::of(&ctx.plan.program, x, truncate) {
            Candidate::Zero => {}
            Candidate::Public => ctx.emit((0..n).map(|e| bit(rho, e)).collect())?,
            Candidate::Secret => {
                let r = ctx.mask(x)?;
                ctx.emit((0..n).map(|e| bit(rho, e)).collect())?;
                ctx.emit(r.data().iter().enumerate().map(|(e, r)| bit(rho, e).wrapping_neg() & r).collect())?;
            }
            Candidate::Truncated => {
                let r = ctx.mask(x)?;
                let r = r.data();
                let narrow_item = Item::holding(n, truncate);
                ctx.emit((0..n).map(|e| bit(rho, e)).collect())?;
                let low = |flip: u64| {
                    let keep = move |e| (bit(rho, e) ^ flip).wrapping_neg();
                    (0..n).map(|e| keep(e) & (r[e] >> truncate)).collect()
                };
                ctx.emit(low(1))?;
                ctx.emit(low(0))?;
                let top = |flip| (0..n).map(move |e| (bit(rho, e) ^ flip) & (r[e] >> 63));
                ctx.emit(narrow::pack(narrow_item, top(1)))?;
                ctx.emit(narrow::pack(narrow_item, top(0)))?;
            }
        }
    }
    Ok(())
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode, truncate: u32) -> Result<Output, MpcError> {
    let n = elements(node);
    let bits = ctx.open_bit_planes(node.inputs[0])?;
    let first = u64::from(ctx.first());
    let mut out = vec![0u64; n];
    let mut item = 0;
    let mut next = || {
        item += 1;
        ctx.dealt(item - 1)
    };
    for (j, &x) in node.inputs[1..].iter().enumerate() {
        let plane = bits.slice_planes(j..j + 1);
        let c = plane.words();
        let candidate = Candidate::of(&ctx.plan().program, x, truncate);
        if matches!(candidate, Candidate::Zero) {
            continue;
        }
        // share of b = c + (1 − 2c)·ρ
        let share = |c: u64, rho: u64| (first & c).wrapping_add((rho ^ c.wrapping_neg()).wrapping_add(c));
        let hat = ctx.opening(x)?;
        let hat = hat.data();
        let rho = next()?;
        match candidate {
            Candidate::Zero => {}
            Candidate::Public => {
                for e in 0..n {
                    let t = if truncate == 0 { hat[e] } else { (hat[e] as i64 >> truncate) as u64 };
                    out[e] = out[e].wrapping_add(t.wrapping_mul(share(bit(c, e), rho[e])));
                }
            }
            Candidate::Secret => {
                // b·x = x̂·b − b·r, and b·r = c·[r] + (1 − 2c)·[ρ·r]
                let rho_r = next()?;
                let r = ctx.mask(x)?;
                let r = r.as_ref().map(|r| r.data());
                for e in 0..n {
                    let c = bit(c, e);
                    let r = r.map_or(0, |r| r[e]);
                    let br =
                        (c.wrapping_neg() & r).wrapping_add((rho_r[e] ^ c.wrapping_neg()).wrapping_add(c));
                    let bx = hat[e].wrapping_mul(share(c, rho[e])).wrapping_sub(br);
                    out[e] = out[e].wrapping_add(bx);
                }
            }
            Candidate::Truncated => {
                let narrow_item = Item::holding(n, truncate);
                let (low1, low0) = (next()?, next()?);
                let top1 = narrow::unpack(narrow_item, next()?);
                let top0 = narrow::unpack(narrow_item, next()?);
                let out = &mut out[..n];
                let (hat, rho) = (&hat[..n], &rho[..n]);
                let (low1, low0, top1, top0) = (&low1[..n], &low0[..n], &top1[..n], &top0[..n]);
                tacita_ring::simd::dispatch(
                    #[inline(always)]
                    || {
                        for e in 0..n {
                            let c = bit(c, e);
                            let (public, wrap) = public_parts(hat[e], truncate);
                            let select = c.wrapping_neg();
                            let low = (low1[e] & select) | (low0[e] & !select);
                            let top = (top1[e] & select) | (top0[e] & !select);
                            let b = share(c, rho[e]);
                            let value =
                                public.wrapping_mul(b).wrapping_sub(low).wrapping_add(wrap.wrapping_mul(top));
                            out[e] = out[e].wrapping_add(value);
                        }
                    },
                );
            }
        }
    }
    Ok(Output::Share(Some(RingTensor::new(node.shape.clone(), out))))
}
