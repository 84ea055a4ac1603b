//! A trigonometric sum of an opened value: `cos(x̂ − r) = cos x̂ cos r + sin x̂ sin r` and the like, linear in the dealt
//! cosines and sines of multiples of r (SHAFT, NDSS '25, for trigonometric sums; the integer frequency, for which ring and
//! circle wrap alike, is what makes it hold over the whole ring).
//!
//! # Security
//! Nothing is opened. What is dealt are shares of rounded cosines and sines, a function of the mask alone. The result is the
//! sum and a noise of some 2^-34 that depends on opening and mask; before anything of it is opened to a receiver it is
//! truncated, in a smooth function at 16 bits by 40, which drowns that noise (docs/protocol.md, "What approximations reveal").

use std::ops::Range;

use tacita_program::RingNode;
use tacita_ring::{FourierSum, RingTensor};

use super::{Output, elements};
use crate::blocks::{Unit, for_each_tile};
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::steps::{Item, Steps};
use crate::streams::Scratch;
use crate::task::TaskContext;

/// Elements whose cosines and sines are one message: it does not grow with the tensor, and is sent while the next is dealt.
const PIECE: usize = 1 << 16;
/// Elements whose cosines and sines lie together: what one needs of them fits a core's cache.
const GROUP: usize = 512;

fn pieces(n: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(PIECE).map(move |start| start..(start + PIECE).min(n))
}

pub(super) fn steps(node: &RingNode, sum: &FourierSum) -> Steps {
    let items = pieces(elements(node)).map(|piece| Item::Ring(piece.len() * sum.words()));
    Steps { dealt: items.collect(), openings: vec![] }
}

pub(super) fn deal(ctx: &mut DealContext<'_>, node: &RingNode, sum: &FourierSum) -> Result<(), MpcError> {
    let r = ctx.mask(node.inputs[0])?;
    for piece in pieces(r.len()) {
        let r = &r.data()[piece.clone()];
        ctx.emit_tiles(r.len(), Unit::Words(sum.words()), &|range, out| {
            for (r, out) in r[range].chunks(GROUP).zip(out.chunks_mut(GROUP * sum.words())) {
                sum.cosines(r, out);
            }
            Ok(())
        })?;
    }
    Ok(())
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode, sum: &FourierSum) -> Result<Output, MpcError> {
    let hat = ctx.opening(node.inputs[0])?;
    let mut out = vec![if ctx.first() { sum.whole() } else { 0 }; hat.len()];
    for (i, piece) in pieces(hat.len()).enumerate() {
        let dealt = ctx.dealt(i)?;
        let hat = &hat.data()[piece.clone()];
        for_each_tile(hat.len(), [(&mut out[piece], Unit::Word)], &|range, [out]| {
            let mut scratch = Scratch::default();
            for (start, out) in range.step_by(GROUP).zip(out.chunks_mut(GROUP)) {
                let group = start..start + out.len();
                let dealt = dealt.read(Unit::Words(sum.words()).words(&group), &mut scratch)?;
                sum.add_difference(&hat[group], dealt, out);
            }
            Ok(())
        })?;
    }
    Ok(Output::share(RingTensor::new(node.shape.clone(), out)))
}
