//! Training: a trainer for programs, and whole trainings from a configuration.
//!
//! A configuration ([`TrainConfig`]) says who has which data, what the network is, how it is trained and who learns what. From
//! it follow the graphs of a step and of the test; the rest is a loop. What members must know of each other's data (rows,
//! shapes) they tell each other, what they must have the same they compare, and the order of rows they draw together.

mod agreement;
mod checkpoint;
mod config;
mod data;
mod graphs;
mod network;
mod order;
mod report;
mod run;
mod sections;
mod steps;
mod trainer;

pub(crate) use checkpoint::Terms;
pub use config::TrainConfig;
pub(crate) use data::Facts;
pub use report::{TestFigures, TrainReport};
pub use run::{TrainOptions, TrainProgress, Trained, join_training, train};
pub use sections::{
    ConvConfig, LayerConfig, LossConfig, OptimiserConfig, OwnerData, ReadyConfig, RecurrentConfig,
    RevealConfig, RuleConfig, ScheduleConfig, ScheduleKind, Split,
};
pub use trainer::{Pretrained, Trainer};
