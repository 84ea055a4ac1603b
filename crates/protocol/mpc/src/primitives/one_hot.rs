//! The one-hot position of a masked x modulo 2^q, as ring elements: the dealer deals the one-hot position of r modulo 2^q,
//! and `[x = j] = [r = x̂ − j]` modulo 2^q, a public rotation of it.
//!
//! # Security
//! Nothing is opened. One party receives the dealer's correction, masked by the others' streams.

use tacita_correlations::Correlation;
use tacita_program::RingNode;
use tacita_ring::RingTensor;

use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::mask;

pub(super) fn steps(node: &RingNode, bits: u32) -> Steps {
    let hot = Correlation::one_hot(elements(node) >> bits, mask(node.inputs[0]), bits);
    Steps { dealt: vec![hot], openings: vec![] }
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode, bits: u32) -> Result<Output, MpcError> {
    let hat = ctx.masked(node.inputs[0])?;
    let mut hot = vec![0; elements(node)];
    ctx.add_dealt(0, &mut hot)?;
    for (hot, hat) in hot.chunks_exact_mut(1 << bits).zip(hat.data()) {
        // j from x̂ − j: backwards, and so that x̂ itself comes to 0
        hot.reverse();
        hot.rotate_right((hat.wrapping_add(1) % (1 << bits)) as usize);
    }
    Ok(Output::share(RingTensor::new(node.shape.clone(), hot)))
}
