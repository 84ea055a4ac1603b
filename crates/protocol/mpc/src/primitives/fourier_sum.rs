//! A trigonometric sum of a masked value: `cos(x̂ − r) = cos x̂ cos r + sin x̂ sin r` and the like, linear in the dealt
//! cosines and sines of multiples of r (SHAFT, NDSS '25, for trigonometric sums; the integer frequency, for which ring and
//! circle wrap alike, is what makes it hold over the whole ring).
//!
//! # Security
//! Nothing is opened. What is dealt are shares of rounded cosines and sines, a function of the mask alone. The result is the
//! sum and a noise of some 2^-34 that depends on masked value and mask; before anything of it is opened to a receiver it is
//! truncated, in a smooth function at 16 bits by 40, which drowns that noise (docs/protocol.md, "What approximations reveal").

use std::ops::Range;

use tacita_correlations::{Correlation, FOURIER_GROUP as GROUP, Scratch, Unit, for_each_tile};
use tacita_program::RingNode;
use tacita_ring::{FourierSum, RingTensor};

use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::mask;

/// Elements whose cosines and sines are one message: it does not grow with the tensor, and is sent while the next is dealt.
const PIECE: usize = 1 << 16;
fn pieces(n: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(PIECE).map(move |start| start..(start + PIECE).min(n))
}

pub(super) fn steps(node: &RingNode, sum: &FourierSum) -> Steps {
    let r = mask(node.inputs[0]);
    let terms = pieces(elements(node)).map(|piece| Correlation::fourier_terms(r.clone(), sum, piece));
    Steps { dealt: terms.collect(), openings: vec![] }
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode, sum: &FourierSum) -> Result<Output, MpcError> {
    let hat = ctx.masked(node.inputs[0])?;
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
