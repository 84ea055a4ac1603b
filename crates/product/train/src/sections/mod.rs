//! The sections of a training's configuration, a file each.

mod data;
mod layer;
mod linear_model;
mod loss;
mod optimiser;
mod reveal;
mod schedule;

pub(crate) use data::is_table;
pub use data::{OwnerData, Split};
pub use layer::{ConvConfig, LayerConfig, RecurrentConfig};
pub use linear_model::LinearModelConfig;
pub use loss::LossConfig;
pub use optimiser::{OptimiserConfig, RuleConfig};
pub use reveal::RevealConfig;
pub use schedule::{ScheduleConfig, ScheduleKind};

/// The most samples of a batch, classes, and units of a layer.
const MOST: usize = 1 << 20;

/// Refuses 0 and what is too large.
pub(crate) fn positive(what: &str, number: usize) -> Result<(), String> {
    match number {
        1..=MOST => Ok(()),
        _ => Err(format!("`{what}` {number}: give 1 to {MOST}")),
    }
}
