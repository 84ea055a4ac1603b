//! `Σ_m [m is largest]·trunc(x_m)` from the opened bits of all pairs, `c = [a_i < a_j] ⊕ λ`: a level of a tournament with a
//! round less than by a one-hot position that is opened.
//!
//! m is largest, and the first of equals, if it is above all before it and not below any after it: if its k − 1 pairs' λ have
//! one pattern, which c says. D deals, for each of the 2^(k−1) patterns, whether the λ have it, and that times the parts of
//! the mask of x_m; the parties take the one pattern that counts (*Selection* in `docs/protocol.md`).
//!
//! # Security
//! Nothing is opened here; the bits' opening under the λ is a task of its own. Which of the dealt items is taken is public.

use tacita_correlations::{BitMask, Correlation, Gate, Number, Scratch, Unit, for_each_tile, pairs};
use tacita_program::{RingId, RingNode, RingProgram};
use tacita_ring::{BitTensor, RingTensor};

use super::select::Candidate;
use super::truncate::public_parts;
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::{mask, value};

/// The pairs that say whether value m is largest, each with the bit that it then has.
fn literals(k: usize, m: usize) -> Vec<(usize, u64)> {
    let of = |(p, &(i, j)): (usize, &(usize, usize))| match (i == m, j == m) {
        (true, _) => Some((p, 0)),
        (_, true) => Some((p, 1)),
        _ => None,
    };
    pairs(k).iter().enumerate().filter_map(of).collect()
}

/// The pattern of element e: bit l is that of pair l, exclusive or what it must be.
#[inline(always)]
fn pattern(bits: &[Vec<u64>], literals: &[(usize, u64)], flip: bool, e: usize) -> usize {
    literals.iter().enumerate().fold(0, |pattern, (l, &(p, wanted))| {
        pattern | ((bits[p][e] ^ if flip { wanted } else { 0 }) as usize) << l
    })
}

fn unpacked(bits: &BitTensor) -> Vec<Vec<u64>> {
    (0..bits.planes()).map(|plane| bits.to_ring(plane)).collect()
}

/// The numbers dealt for one pattern.
fn dealt(candidate: &Candidate, n: usize, x: RingId, truncate: u32, has: &Gate) -> Vec<Correlation> {
    let high =
        |width, shift| Correlation::numbers(n, width, has.clone(), Number::High { mask: mask(x), shift });
    let is = || Correlation::numbers(n, 64, has.clone(), Number::One);
    match candidate {
        Candidate::Zero => vec![],
        Candidate::Public => vec![is()],
        Candidate::Secret => vec![is(), high(64, 0)],
        Candidate::Truncated => vec![is(), high(64, truncate), high(truncate, 63)],
    }
}

/// How many numbers are dealt for one pattern.
fn items(candidate: &Candidate) -> usize {
    match candidate {
        Candidate::Zero => 0,
        Candidate::Public => 1,
        Candidate::Secret => 2,
        Candidate::Truncated => 3,
    }
}

pub(super) fn steps(program: &RingProgram, node: &RingNode, truncate: u32) -> Steps {
    let (n, k) = (elements(node), node.inputs.len() - 1);
    let lambda = BitMask::Values(vec![value(node.inputs[0])]);
    let of = |(m, &x)| {
        let (literals, lambda) = (literals(k, m), lambda.clone());
        let candidate = Candidate::of(program, x, truncate);
        (0..1usize << (k - 1)).flat_map(move |pattern| {
            let wanted = literals.iter().enumerate().map(|(l, &(pair, _))| (pair, pattern >> l & 1 == 1));
            let has = Gate::Bits { bits: lambda.clone(), wanted: wanted.collect() };
            dealt(&candidate, n, x, truncate, &has)
        })
    };
    Steps { dealt: node.inputs[1..].iter().enumerate().flat_map(of).collect(), openings: vec![] }
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode, truncate: u32) -> Result<Output, MpcError> {
    let (n, k) = (elements(node), node.inputs.len() - 1);
    let opened = unpacked(&*ctx.masked_bits(node.inputs[0])?);
    let mut out = vec![0u64; n];
    let mut next = 0;
    for (m, &x) in node.inputs[1..].iter().enumerate() {
        let literals = literals(k, m);
        let candidate = Candidate::of(&ctx.plan().program, x, truncate);
        let each = items(&candidate);
        if each == 0 {
            continue;
        }
        let hat = ctx.masked(x)?;
        for taken in 0..1usize << (k - 1) {
            let dealt =
                (next..next + each).map(|item| ctx.dealt(item)).collect::<Result<Vec<_>, MpcError>>()?;
            next += each;
            for_each_tile(n, [(&mut out, Unit::Word)], &|range, [out]| {
                let [mut s0, mut s1, mut s2] = std::array::from_fn(|_| Scratch::default());
                let is = dealt[0].read(range.clone(), &mut s0)?;
                let low = match dealt.get(1) {
                    Some(low) => low.read(range.clone(), &mut s1)?,
                    None => &[],
                };
                let top = match dealt.get(2) {
                    Some(top) => top.elements(&range, truncate, &mut s2)?,
                    None => vec![],
                };
                let start = range.start;
                for (e, (out, &hat)) in out.iter_mut().zip(&hat.data()[range]).enumerate() {
                    if pattern(&opened, &literals, true, start + e) != taken {
                        continue;
                    }
                    let value = match candidate {
                        Candidate::Truncated => {
                            let (public, wrap) = public_parts(hat, truncate);
                            public
                                .wrapping_mul(is[e])
                                .wrapping_sub(low[e])
                                .wrapping_add(wrap.wrapping_mul(top[e]))
                        }
                        Candidate::Secret => hat.wrapping_mul(is[e]).wrapping_sub(low[e]),
                        _ => ((hat as i64 >> truncate) as u64).wrapping_mul(is[e]),
                    };
                    *out = out.wrapping_add(value);
                }
                Ok(())
            })?;
        }
    }
    Ok(Output::share(RingTensor::new(node.shape.clone(), out)))
}
