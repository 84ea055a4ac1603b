//! Correlated randomness: the values that the trusted dealer deals, as data, and the streams that masks and shares come from.
//!
//! A [`Correlation`] describes one dealt value: its width on the wire ([`Item`]) and its spec, a function of masks ([`Spec`]).
//! [`TaskDealer`] interprets specs for any [`Masks`]; [`Provider`] is where a member takes corrections from if no dealer takes
//! part. [`Share`] and [`Masked`] are different types, and only the latter is sent. The crate may use `tacita-ring` and `tacita-net`, and knows nothing of programs, plans and openings. Begin with
//! `spec.rs`, then `deal.rs`, then `streams.rs`.

mod blocks;
mod deal;
mod error;
mod item;
mod kernels;
mod masks;
pub mod narrow;
mod other_shares;
mod out;
mod provider;
mod share;
mod shuffle;
mod source;
mod spec;
mod streams;
#[doc(hidden)]
pub mod testing;

pub use blocks::{Lane, Unit, and, for_each_block, for_each_tile, words, xor};
pub use deal::TaskDealer;
pub use error::CorrelationError;
pub use item::Item;
pub use kernels::{BitProducts, FOURIER_GROUP};
pub use masks::Masks;
pub use other_shares::OtherShares;
pub use provider::Provider;
pub use share::{
    BitMasked, BitShare, Correction, Mask, MaskStreams, Masked, Outgoing, RingMaskShare, RingMasked,
    RingShare, Share, ZeroSharing,
};
pub use shuffle::Shuffle;
pub use source::{Scratch, Source};
pub use spec::{
    Bilinear, BitMask, Correlation, ExponentialPart, Gate, Number, RingMask, Spec, ValueId, pairs,
};
pub use streams::{Overrides, StreamId, Streams, Use};
