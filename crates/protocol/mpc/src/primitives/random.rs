//! A value that nobody knows, uniform in the ring or uniform bits: each party's share is drawn by itself, from a seed that it
//! has alone.
//!
//! # Security
//! Nothing is dealt and nothing sent. The value is the sum (of bits, the XOR) of all parties' contributions, so it is uniform
//! and independent of what P - 1 parties and their contributions are, as long as one seed is unknown: that of the party
//! which is left. The dealer knows no contribution at all. Each seed is fresh in every session and each address read once.

use tacita_program::{RingNode, RingType};
use tacita_ring::{BitTensor, RingTensor};

use super::{Output, elements, words};
use crate::error::MpcError;
use crate::task::TaskContext;
use tacita_correlations::{StreamId, Streams, Use};

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let share = ctx.contribution(words(node))?;
    Ok(match node.ty {
        RingType::Ring { .. } => Output::share(RingTensor::new(node.shape.clone(), share)),
        RingType::Bits { planes } => Output::Bits(BitTensor::from_words(elements(node), planes, share)),
    })
}

/// A party's part of what a task draws, from its own seed at its place among `own`.
pub(crate) fn contribution(
    own: &Streams,
    party: usize,
    evaluation: u64,
    task: u32,
    words: usize,
) -> Result<Vec<u64>, MpcError> {
    Ok(own.words(party, StreamId::Evaluation { evaluation, task, purpose: Use::Own }, 0, words)?)
}
