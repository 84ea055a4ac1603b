//! Sessions: members connected, tensors built lazily, consent enforced, graphs evaluated.
//!
//! A [`Session`] runs members in this process or connects one to others; a [`Tensor`] is a lazy value of it. Every
//! evaluation passes through [`Session::evaluate`], which asks for consent before anything is sent. The trusted dealer's
//! daemon ([`serve`]) and correlations dealt ahead ([`deal_ahead`]) are here as well. The crate may use `tacita-graph`,
//! `tacita-nn`, `tacita-onnx`, `tacita-mpc` and `tacita-identity`. Begin with `session.rs`, then `workspace.rs`.

mod connect;
mod consent;
mod correlations;
mod data;
mod engine;
mod error;
mod estimate;
mod evaluation;
#[doc(hidden)]
pub mod fuzzing;
mod inputs;
mod local_members;
mod local_session;
mod members;
pub mod message;
mod model;
mod options;
mod parts;
mod prepared;
mod recipe;
mod report;
mod reveal;
mod serve;
mod session;
mod step;
mod tensor;
mod timeline;
mod workspace;

pub use connect::ConnectOptions;
#[doc(hidden)]
pub use connect::WatchForTests;
pub use consent::{Allowance, Consent, Disclosure, agreed, consent, disclosures};
pub use correlations::{CorrelationFile, DealtAhead, deal_ahead};
pub use data::Data;
pub use engine::bind;
pub use error::Error;
pub use estimate::{Estimate, NETWORKS, Network, Prediction, estimate, estimate_session};
pub use evaluation::Evaluation;
pub use inputs::check_finite;
pub use local_members::Progress;
pub use members::Members;
pub use model::{Model, model_of_template, read_template};
pub use options::{Link, Options};
pub use parts::{Parts, UsualBatch};
pub use prepared::Prepared;
pub use report::{NodeReport, REPORT_VERSION, Report, Reveal, Seconds, cpu, peak_rss_bytes};
pub use serve::{ServeOptions, Served, serve};
pub use session::Session;
pub use tensor::{Gradients, Tensor};
pub use timeline::Timeline;
