//! A value that nobody knows, uniform in the ring or uniform bits: each party's share is drawn by itself, from a seed that it
//! has alone.
//!
//! # Security
//! Nothing is dealt and nothing sent. The value is the sum (of bits, the XOR) of all parties' contributions, so it is uniform
//! and independent of what P - 1 parties and their contributions are, as long as one seed is unknown: that of the party
//! which is left. The dealer knows no contribution at all. Each seed is fresh in every session and each address read once.

use tacita_program::{RingNode, RingType};
use tacita_ring::{BitTensor, RingTensor};

use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::{elements, words};
use crate::task::TaskContext;

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let share = ctx.contribution(words(node))?;
    Ok(match node.ty {
        RingType::Ring { .. } => Output::share(RingTensor::new(node.shape.clone(), share)),
        RingType::Bits { planes } => Output::bits(BitTensor::from_words(elements(node), planes, share)),
    })
}
