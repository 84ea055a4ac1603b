//! Private machine learning: sessions, tensors, models.
//!
//! Several organisations evaluate a model together on data and weights that none of them shows the others. A [`Session`]
//! connects them, a [`Tensor`] is a lazy value in it, and a [`Model`] is an imported network. The crate may use all others
//! and adds what a program needs: consent, reports, training runs, benchmarks. Begin with [`Session`].

/// The README's program, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../../README.md")]
struct Readme;

mod check;
mod connect;
mod consent;
mod correlations;
mod error;
mod estimate;
#[doc(hidden)]
pub mod fuzzing;
mod infer;
mod join;
pub mod library;
mod local;
mod members;
mod model;
mod options;
mod parts;
mod prepared;
mod proof;
mod recipe;
mod report;
mod serve;
mod session;
mod tensor;
mod timeline;
mod training;
mod world;

pub use check::{Checked, CheckedNode, Ground, Proposal, check};
pub use connect::ConnectOptions;
#[doc(hidden)]
pub use connect::WatchForTests;
pub use consent::{Allowance, Disclosure, consent, disclosures};
pub use correlations::{CorrelationFile, DealtAhead, deal_ahead};
pub use error::Error;
pub use estimate::{Estimate, NETWORKS, Network, Prediction, estimate, estimate_session};
pub use infer::{InferProgress, Inference, infer};
pub use join::{Joined, Part, join};
pub use model::{Model, model_of_template, read_template};
pub use options::{Link, Options};
pub use parts::{Parts, UsualBatch};
pub use prepared::Prepared;
pub use report::{NodeReport, REPORT_VERSION, Report, Reveal, Seconds, cpu, peak_rss_bytes};
pub use serve::{ServeOptions, Served, serve};
pub use session::{Evaluation, Session};
pub use tacita_graph as graph;
pub use tacita_identity::{
    Certificate, FileError, Identity, IdentityError, SessionFile, SessionMember, SessionSettings, check_name,
    hex,
};
pub use tacita_nn as nn;
pub use tacita_onnx as onnx;
pub use tacita_program as program;
pub use tensor::Tensor;
pub use timeline::Timeline;
pub use training::{
    ConvConfig, LayerConfig, LossConfig, OptimiserConfig, OwnerData, Pretrained, ReadyConfig,
    RecurrentConfig, RevealConfig, RuleConfig, ScheduleConfig, ScheduleKind, Split, TestFigures, TrainConfig,
    TrainOptions, TrainProgress, TrainReport, Trained, Trainer, join_training, train,
};
pub use world::Progress;
