//! Training: a [`Trainer`] for programs, and complete training runs from a configuration.
//!
//! A [`TrainConfig`] names data, network, optimiser and receivers; the graphs of a step and of the test follow from it.
//! Members tell each other the shapes of their data, compare what must be equal, and draw the order of rows together.
//! Runs write encrypted checkpoints and resume from them. The crate may use `tacita-session`, `tacita-nn` and
//! `tacita-data`. Begin with `config.rs`, then `run.rs`.

mod agreement;
mod checkpoint;
mod config;
mod data;
#[doc(hidden)]
pub mod fuzzing;
mod graphs;
mod module;
mod network;
mod order;
mod report;
mod run;
mod sections;
mod steps;
mod trainer;

pub use config::TrainConfig;
pub use module::{Module, OptimiserState, loss};
pub use report::{TestFigures, TrainReport};
pub use run::{TrainOptions, TrainProgress, Trained, join_training, train};
pub use sections::{
    ConvConfig, LayerConfig, LinearModelConfig, LossConfig, OptimiserConfig, OwnerData, RecurrentConfig,
    RevealConfig, RuleConfig, ScheduleConfig, ScheduleKind, Split,
};
pub use trainer::{Pretrained, Trainer};
