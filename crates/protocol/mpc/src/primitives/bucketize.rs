//! Which of the intervals between ascending thresholds a value lies in, one-hot: its signs relative to all of them, from one
//! masked value and one set of leaves. A threshold that may be off by 2^d compares without the lowest d bits.
//!
//! # Security
//! That of `compare`: fresh masks on every opened bit. Leaving out bits makes the result a function of the mask near a
//! threshold; it is a share like any other.

use tacita_program::{RingNode, Threshold};
use tacita_ring::BitTensor;

use super::compare::Comparisons;
use crate::comparison::Span;
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::mask;

fn comparisons(node: &RingNode, thresholds: &[Threshold], bits: u32) -> Comparisons {
    let end = bits as usize;
    let span = |threshold: &Threshold| Span::new(threshold.dropped as usize, end);
    let spans: Vec<Span> = thresholds.iter().map(span).collect();
    let lowest = thresholds.iter().map(|threshold| threshold.dropped).min().unwrap_or(0);
    Comparisons::of(Span::new(lowest as usize, end), Some(end), &spans, elements(node))
}

pub(super) fn steps(node: &RingNode, thresholds: &[Threshold], bits: u32) -> Steps {
    comparisons(node, thresholds, bits).steps(0, |_| mask(node.inputs[0]))
}

pub(super) async fn run(
    ctx: TaskContext<'_>,
    node: &RingNode,
    thresholds: &[Threshold],
    bits: u32,
) -> Result<Output, MpcError> {
    let hat = ctx.masked(node.inputs[0])?;
    let comparisons = comparisons(node, thresholds, bits);
    let below = comparisons.run(ctx, |i, range| {
        let at = thresholds[i].at as u64;
        hat.data()[range].iter().map(|hat| hat.wrapping_sub(at)).collect::<Vec<u64>>()
    });
    let below = below.await?;
    // [x < t_0], [x < t_0] ⊕ [x < t_1], …, ¬[x < t_{k−1}]
    let mut planes = Vec::with_capacity(below.len() + 1);
    for (i, own) in below.iter().enumerate() {
        let mut plane = own.clone();
        if let Some(before) = i.checked_sub(1) {
            plane.xor_assign(&below[before]);
        }
        planes.push(plane);
    }
    if let Some(mut last) = below.last().cloned() {
        if ctx.first() {
            last.not();
        }
        planes.push(last);
    }
    Ok(Output::bits(BitTensor::concat_planes(&planes.iter().collect::<Vec<_>>())))
}
