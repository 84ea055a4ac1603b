//! The masked protocol: masks, correlations, schedule, dealer, executor.
//!
//! A [`Plan`] prepares a ring program for a number of parties: it fixes each opening, each dealt item and their order. Each
//! computing party runs a [`Party`], the trusted dealer runs a [`Dealer`], and both evaluate plans. The crate may use
//! `tacita-program`, `tacita-correlations`, `tacita-net` and `tacita-ring`. It knows nothing of graphs, files and session files. Begin with `plan/mod.rs`, then `party.rs`, then `primitives/`.

mod agreement;
mod ahead;
mod comparison;
mod config;
mod cost;
mod data_owner;
mod dealer;
mod draws;
mod equality;
mod error;
mod evaluation;
mod executor;
mod form;
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod kept;
mod leaves;
mod linear;
mod masks;
mod members;
mod output;
mod party;
mod plan;
mod planner;
mod primitives;
mod products;
mod rounding;
mod session;
mod sizes;
mod steps;
mod target;
mod task;
mod timeline;
mod values;
mod weights;
pub mod world;

pub use ahead::AheadDealer;
pub use config::Config;
#[doc(hidden)]
pub use config::{Hooks, Tap, Watch};
pub use cost::{Cost, NodeCost, NodeMeasure, Predicted, measure};
pub use data_owner::DataOwner;
pub use dealer::{Dealer, Dealt, Request};
pub use error::MpcError;
pub use executor::Progress;
pub use form::LeafKey;
pub use kept::{Kept, KeptValues};
pub use leaves::Leaves;
pub use output::Revealed;
pub use party::{Outcome, Party, Times};
pub use plan::Plan;
#[doc(hidden)]
pub use plan::inspect::Inspection;
#[doc(hidden)]
pub use rounding::MaskRounding;
pub use steps::{Opening, Receivers, Sender, Steps};
pub use tacita_correlations::{Correlation, Item, Provider, RingShare, Share};
#[doc(hidden)]
pub use tacita_correlations::{Overrides, StreamId, Use};
pub use target::TARGET;
pub use timeline::{Doing, Span};
