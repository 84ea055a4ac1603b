//! Private machine learning: sessions, tensors, models.
//!
//! Several organisations evaluate a model together on data and weights that none of them shows the others.
//! Start with [`Session`].

/// The README's program, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

mod check;
mod error;
mod foresee;
mod infer;
mod local;
mod model;
mod options;
mod report;
mod session;
mod tensor;

pub use check::{Checked, CheckedNode, Proposal, check};
pub use error::Error;
pub use foresee::{Foreseen, NETWORKS, Network, Prediction, foresee};
pub use infer::{InferProgress, Inference, infer};
pub use local::{Prepared, Progress};
pub use model::Model;
pub use options::{Link, Options};
pub use report::{NodeReport, REPORT_VERSION, Report, Reveal, Seconds, cpu, hex, peak_rss_bytes};
pub use session::{Evaluation, Session};
pub use tacita_graph as graph;
pub use tacita_onnx as onnx;
pub use tensor::Tensor;
