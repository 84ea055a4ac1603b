//! Opens a value to the named receivers alone.
//!
//! # Security
//! Unmasked shares would show more than the value (a share is a function of what its holder knows), so each party first
//! adds its part of a fresh sharing of zero from the seeds that it shares with each other party, which the dealer does
//! not know. A receiver learns the value and nothing else; the others learn nothing.

use tacita_correlations::Share;
use tacita_program::{Owner, RingId, RingNode, RingProgram, RingType};
use tacita_ring::{BitTensor, RingTensor};

use crate::error::MpcError;
use crate::output::{Output, Revealed};
use crate::sizes::{elements, item, words};
use crate::steps::{Opening, Receivers, Sender, Steps};
use crate::task::TaskContext;

pub(super) fn steps(program: &RingProgram, node: &RingNode, owners: &[usize], to: &[Owner]) -> Steps {
    let value = &program.nodes[node.inputs[0].0 as usize];
    let to = to.iter().map(|owner| owners[owner.0 as usize]).collect();
    let opening = Opening { item: item(value), from: Sender::All, to: Receivers::Only(to) };
    Steps { dealt: vec![], openings: vec![opening] }
}

pub(super) async fn run(ctx: TaskContext<'_>, node: &RingNode) -> Result<Output, MpcError> {
    let id: RingId = node.inputs[0];
    let value = ctx.plan().node(id);
    if let Some(public) = ctx.public(id) {
        return Ok(Output::Revealed(Revealed::Ring((*public).clone())));
    }
    let share = match value.ty {
        RingType::Ring { .. } => {
            ctx.share(id)?.map_or_else(|| vec![0; words(value)], |share| share.local().data().to_vec())
        }
        RingType::Bits { .. } => ctx.bits(id)?.local().words().to_vec(),
    };
    Ok(match ctx.reveal(Share::new(share)).await? {
        None => Output::Nothing,
        Some(words) => Output::Revealed(match value.ty {
            RingType::Ring { .. } => Revealed::Ring(RingTensor::new(value.shape.clone(), words)),
            RingType::Bits { planes } => {
                let mut bits = BitTensor::from_words(elements(value), planes, words);
                bits.mask_tail();
                Revealed::Bits(bits)
            }
        }),
    })
}
