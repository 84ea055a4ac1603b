//! Private machine learning: sessions, tensors, models.
//!
//! Several organisations evaluate a model together on data and weights that none of them shows the others. A [`Session`]
//! connects them, a [`Tensor`] is a lazy value in it, and a [`Model`] is an imported network. The crate may use all others
//! and adds what a program needs: consent, reports, training runs, benchmarks. Begin with [`Session`].

/// The README's program, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../../README.md")]
struct Readme;

mod batches;
mod check;
#[doc(hidden)]
pub mod fuzzing;
mod infer;
mod join;
mod range_bounds;
mod totals;

pub use check::{Checked, CheckedNode, Ground, Proposal, check};
pub use infer::{InferProgress, Inference, infer};
pub use join::{Joined, Part, join};
pub use tacita_graph as graph;
pub use tacita_graph::Value;
pub use tacita_identity::{
    Certificate, FileError, Identity, IdentityError, SessionFile, SessionMember, SessionSettings, check_name,
    hex,
};
pub use tacita_nn as nn;
pub use tacita_onnx as onnx;
pub use tacita_program as program;
#[doc(hidden)]
pub use tacita_session::WatchForTests;
pub use tacita_session::{
    Allowance, ConnectOptions, Consent, CorrelationFile, Data, DealtAhead, Disclosure, Error, Estimate,
    Evaluation, Gradients, Link, Model, NETWORKS, Network, NodeReport, Options, Parts, Prediction, Prepared,
    Progress, REPORT_VERSION, Report, Reveal, Seconds, ServeOptions, Served, Session, Tensor, Timeline,
    UsualBatch, consent, cpu, deal_ahead, disclosures, estimate, estimate_session, model_of_template,
    peak_rss_bytes, read_template, serve,
};
pub use tacita_train::{
    ConvConfig, LayerConfig, LinearModelConfig, LossConfig, Module, OptimiserConfig, OptimiserState,
    OwnerData, Pretrained, RecurrentConfig, RevealConfig, RuleConfig, ScheduleConfig, ScheduleKind, Split,
    TestFigures, TrainConfig, TrainOptions, TrainProgress, TrainReport, Trained, Trainer, join_training,
    loss, train,
};
pub use totals::Totals;
