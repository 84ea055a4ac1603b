//! Outputs: what a task computed, for the tasks that use its node.

use std::sync::Arc;

use tacita_correlations::{BitMasked, BitShare, Masked, RingMasked, RingShare, Share};
use tacita_ring::{BitTensor, RingTensor};

/// The result of a task, for the tasks that use its node.
pub(crate) enum Output {
    /// Nothing new: the value is public, persistent or derived lazily.
    Nothing,
    /// This party's additive share; `None` is a share of zero.
    Share(Option<RingShare>),
    /// The masked value, or a public one.
    Masked(RingMasked),
    /// This party's XOR share.
    Bits(BitShare),
    /// The masked bits.
    MaskedBits(BitMasked),
    /// A revealed value, at a receiver.
    Revealed(Revealed),
    /// This party's share of what is kept for later evaluations.
    Kept(RingShare),
}

impl Output {
    /// This party's additive share.
    pub fn share(share: RingTensor) -> Output {
        Output::Share(Some(Share::new(Arc::new(share))))
    }

    /// This party's XOR share.
    pub fn bits(share: BitTensor) -> Output {
        Output::Bits(Share::new(Arc::new(share)))
    }

    /// The masked value.
    pub fn masked(value: RingTensor) -> Output {
        Output::Masked(Masked::known(Arc::new(value)))
    }
}

/// A value revealed to this party.
#[derive(Clone, PartialEq, Eq)]
pub enum Revealed {
    /// Ring elements, at the scale that the program's node states.
    Ring(RingTensor),
    /// Bits.
    Bits(BitTensor),
}
