//! Training: locally, and what `join --train` takes.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use tacita::TrainOptions;

use super::LocalArguments;

/// Train a network on data of several owners, in this process
///
/// The configuration says who has which data, what the network is, how it is trained, and who learns what; docs/training.md
/// explains its fields. All members run here, with the real protocol over real links: it shows what the training costs and how
/// good it gets. Between machines, every member types `tacita join --train CONFIG.toml`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita train models/breast_cancer.toml
  tacita train train.toml --report report.json --curves curves.svg --save-model model.onnx
  tacita train train.toml --checkpoints run1            a checkpoint every 100 steps, or as the configuration says
  tacita train train.toml --checkpoints run1 --resume   goes on where it was killed

The loss is shown where the configuration reveals it. Output files appear whole or not at all.")]
pub struct TrainArguments {
    /// The configuration
    #[arg(value_name = "CONFIG.toml", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    #[command(flatten)]
    pub training: TrainingArguments,
    #[command(flatten)]
    pub local: LocalArguments,
    #[command(flatten)]
    pub insecure: super::InsecureArguments,
    /// Write what it gave and cost as JSON here
    #[arg(long, value_name = "R.json", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
}

/// What a member of a training decides for itself.
#[derive(Debug, Args)]
pub struct TrainingArguments {
    /// Save this member's shares here every so many steps, as the configuration says, encrypted under its key
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub checkpoints: Option<PathBuf>,
    /// Go on from the latest checkpoint that all parties have
    #[arg(long, requires = "checkpoints")]
    pub resume: bool,
    /// Draw the loss and the figures of the tests here, those that this member learns
    #[arg(long, value_name = "C.svg", value_hint = ValueHint::FilePath)]
    pub curves: Option<PathBuf>,
    /// Write the trained model here, where the configuration reveals it: M.onnx or M.safetensors
    #[arg(long, value_name = "M.onnx", value_hint = ValueHint::FilePath)]
    pub save_model: Option<PathBuf>,
}

impl TrainingArguments {
    /// As the library takes them.
    pub fn options(&self) -> TrainOptions {
        TrainOptions { checkpoints: self.checkpoints.clone(), resume: self.resume }
    }
}
