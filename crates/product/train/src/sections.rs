//! The sections of a training's configuration.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tacita_nn::{LinearModel, Loss, Optimiser, Reduction, Rule, Schedule};

/// The most samples of a batch, classes, and units of a layer.
const MOST: usize = 1 << 20;

/// Refuses 0 and what is too large.
pub(super) fn positive(what: &str, number: usize) -> Result<(), String> {
    match number {
        1..=MOST => Ok(()),
        _ => Err(format!("`{what}` {number}: give 1 to {MOST}")),
    }
}

/// How what the owners have belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Each owner has rows of its own, of the same columns.
    Rows,
    /// Each owner has columns of its own, about the same rows in the same order.
    Columns,
}

/// An owner's data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerData {
    /// Its owner: a party or data owner of the session.
    pub owner: String,
    /// A table (`.csv`) or an array whose first axis is the rows (`X.npy` or `FILE.npz:NAME`), beside the configuration. Read
    /// where the owner is, and nowhere else.
    pub file: String,
    /// The columns of the table to use, in this order; all but the label if none are named.
    pub columns: Option<Vec<String>>,
    /// The column of the table that is to be predicted.
    pub label: Option<String>,
    /// The same for arrays: a file of one number a row.
    pub labels: Option<String>,
    /// Rows for the test, of the same form as `file`. Of rows that are split not all owners need one.
    pub test_file: Option<String>,
    /// Labels of `test_file`, of the same form as `labels`.
    pub test_labels: Option<String>,
    /// The divisor of numbers, such as 255.
    pub scale: Option<f64>,
    /// Whether columns are brought to mean 0 and deviation 1, by the rows that train.
    #[serde(default)]
    pub standardise: bool,
}

/// A layer; what it takes follows from what comes before. Those without fields have braces, or serde would pass over fields
/// that they have not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerConfig {
    /// Every output a weighted sum of all inputs.
    Linear {
        /// Outputs.
        outputs: usize,
    },
    /// Convolution over the last two axes.
    Conv2d(ConvConfig),
    /// Convolution over the last axis.
    Conv1d(ConvConfig),
    /// Transposed convolution over the last two axes.
    ConvTranspose2d(ConvConfig),
    /// The largest of each window, windows side by side.
    MaxPool2d {
        /// Its sides.
        kernel: usize,
    },
    /// The mean of each window, windows side by side.
    AvgPool2d {
        /// Its sides.
        kernel: usize,
    },
    /// Normalisation by channel.
    BatchNorm {},
    /// Normalisation of each row over its last axis.
    LayerNorm {},
    /// Normalisation of groups of channels.
    GroupNorm {
        /// How many groups.
        groups: usize,
    },
    /// A recurrent layer over rows of steps of numbers; what it says after the last step.
    Rnn(RecurrentConfig),
    /// The same with long short-term memory.
    Lstm(RecurrentConfig),
    /// The same with gated units.
    Gru(RecurrentConfig),
    /// A transformer's encoder layer, over rows of steps of numbers.
    TransformerEncoder {
        /// Heads of the attention, which divide the numbers of a step.
        heads: usize,
        /// Features between its linear layers.
        inner: usize,
        /// Dropout.
        #[serde(default)]
        dropout: f64,
    },
    /// All axes but the first as one.
    Flatten {},
    /// Values set to zero at random, known to nobody.
    Dropout {
        /// The share of them.
        share: f64,
    },
    /// max(x, 0).
    Relu {},
    /// 1 / (1 + e^-x).
    Sigmoid {},
    /// The hyperbolic tangent.
    Tanh {},
    /// x Φ(x).
    Gelu {},
    /// x / (1 + e^-x).
    Silu {},
}

/// A window that slides over a picture or a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvConfig {
    /// Channels of the result.
    pub channels: usize,
    /// The sides of the window.
    pub kernel: usize,
    /// From window to window; of transposed ones, between the places of two elements in the result.
    #[serde(default = "one")]
    pub stride: usize,
    /// Zeros at every side; of transposed ones, so much is taken away.
    #[serde(default)]
    pub padding: usize,
}

/// A layer along a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurrentConfig {
    /// Numbers of the result.
    pub hidden: usize,
    /// Layers upon each other.
    #[serde(default = "one")]
    pub layers: usize,
    /// Whether steps are read from both ends.
    #[serde(default)]
    pub bidirectional: bool,
}

impl LayerConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        match *self {
            LayerConfig::Linear { outputs } => positive("outputs", outputs)?,
            LayerConfig::Conv1d(conv) | LayerConfig::Conv2d(conv) | LayerConfig::ConvTranspose2d(conv) => {
                let ConvConfig { channels, kernel, stride, padding } = conv;
                positive("channels", channels)?;
                positive("kernel", kernel)?;
                positive("stride", stride)?;
                positive("padding", padding + 1)?;
            }
            LayerConfig::MaxPool2d { kernel } | LayerConfig::AvgPool2d { kernel } => {
                positive("kernel", kernel)?
            }
            LayerConfig::GroupNorm { groups } => positive("groups", groups)?,
            LayerConfig::Rnn(parts) | LayerConfig::Lstm(parts) | LayerConfig::Gru(parts) => {
                let RecurrentConfig { hidden, layers, .. } = parts;
                positive("hidden", hidden)?;
                if !(1..=16).contains(&layers) {
                    return Err(format!("`layers` {layers}: give 1 to 16"));
                }
            }
            LayerConfig::TransformerEncoder { heads, inner, dropout } => {
                positive("heads", heads)?;
                positive("inner", inner)?;
                if !(0.0..1.0).contains(&dropout) {
                    return Err(format!("`dropout` {dropout}: a share is from 0 to less than 1"));
                }
            }
            LayerConfig::Dropout { share } if !(0.0..1.0).contains(&share) => {
                return Err(format!("`share` {share} of dropout: a share is from 0 to less than 1"));
            }
            _ => {}
        }

        Ok(())
    }
}

fn one() -> usize {
    1
}

/// The loss, which decides the meaning of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossConfig {
    /// Classes 0 to `classes` - 1, an output each.
    CrossEntropy,
    /// Classes 0 and 1, one output.
    BceWithLogits,
    /// Classes 0 and 1, one output, of which the sign tells.
    Hinge,
    /// A number a row: the squared distance.
    Mse,
    /// A number a row: the distance.
    L1,
    /// A number a row: squared up to a distance of 1, beyond it the distance.
    Huber,
}

impl LossConfig {
    /// Whether labels are classes.
    pub fn classifies(self) -> bool {
        matches!(self, LossConfig::CrossEntropy | LossConfig::BceWithLogits | LossConfig::Hinge)
    }

    pub(super) fn loss(self) -> Loss {
        match self {
            LossConfig::CrossEntropy => Loss::CrossEntropy(Reduction::Mean),
            LossConfig::BceWithLogits => Loss::BceWithLogits(Reduction::Mean),
            LossConfig::Hinge => Loss::Hinge(Reduction::Mean),
            LossConfig::Mse => Loss::Mse(Reduction::Mean),
            LossConfig::L1 => Loss::L1(Reduction::Mean),
            LossConfig::Huber => Loss::Huber(1.0, Reduction::Mean),
        }
    }
}

/// How parameters follow gradients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimiserConfig {
    /// Which rule.
    pub rule: RuleConfig,
    /// The rate η.
    pub lr: f64,
    /// Of `sgd`.
    #[serde(default)]
    pub momentum: f64,
    /// Of `sgd`: whether momentum is Nesterov's.
    #[serde(default)]
    pub nesterov: bool,
    /// Weight decay.
    pub weight_decay: Option<f64>,
    /// The largest absolute value of a gradient.
    pub clip_value: Option<f64>,
    /// The largest norm of all gradients together.
    pub clip_norm: Option<f64>,
}

impl OptimiserConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        let OptimiserConfig { rule, lr, momentum, nesterov, weight_decay, clip_value, clip_norm } = *self;
        if !(lr > 0.0 && lr <= 1e3) {
            return Err(format!("`lr` {lr}: give more than 0, at most 1000"));
        }
        if !(0.0..1.0).contains(&momentum) {
            return Err(format!("`momentum` {momentum}: from 0 to less than 1"));
        }
        if rule != RuleConfig::Sgd && (momentum != 0.0 || nesterov) {
            return Err("`momentum` and `nesterov` are of rule = \"sgd\"".into());
        }
        if nesterov && momentum == 0.0 {
            return Err("`nesterov` needs `momentum`".into());
        }
        if weight_decay.is_some_and(|weight_decay| !(0.0..1e3).contains(&weight_decay)) {
            return Err("`weight_decay`: from 0 to less than 1000".into());
        }
        let clips = [("clip_value", clip_value), ("clip_norm", clip_norm)];
        for (what, clip) in clips {
            if clip.is_some_and(|clip| !(clip > 0.0 && clip <= 1e6)) {
                return Err(format!("`{what}`: more than 0, at most a million"));
            }
        }
        match clips {
            [(_, Some(_)), (_, Some(_))] => Err("`clip_value` and `clip_norm`: give one of them".into()),
            _ => Ok(()),
        }
    }

    pub(super) fn optimiser(&self) -> Optimiser {
        let OptimiserConfig { rule, lr, momentum, nesterov, weight_decay, clip_value, clip_norm } = *self;
        let mut optimiser = match rule {
            RuleConfig::Sgd => Optimiser::sgd(lr),
            RuleConfig::Adam => Optimiser::adam(lr),
            RuleConfig::AdamW => Optimiser::adam_w(lr),
            RuleConfig::RmsProp => Optimiser::rms_prop(lr),
        };
        if rule == RuleConfig::Sgd {
            optimiser.rule = Rule::Sgd { momentum, nesterov };
        }
        if let Some(weight_decay) = weight_decay {
            optimiser = optimiser.with_weight_decay(weight_decay);
        }
        if let Some(most) = clip_value {
            optimiser = optimiser.with_clipping(tacita_nn::Clipping::Value(most));
        }
        if let Some(most) = clip_norm {
            optimiser = optimiser.with_clipping(tacita_nn::Clipping::Norm(most));
        }
        optimiser
    }
}

/// The optimisers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleConfig {
    /// Gradient descent.
    Sgd,
    /// Adam.
    Adam,
    /// Adam with decoupled decay.
    AdamW,
    /// RMSprop.
    RmsProp,
}

/// How the rate changes from step to step: what it is multiplied with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Which.
    #[serde(default)]
    pub kind: ScheduleKind,
    /// Of `step`: after how many steps the rate falls each time.
    pub every: Option<u64>,
    /// Of `multi_step`: the steps after which it falls.
    pub after: Option<Vec<u64>>,
    /// Of `step`, `multi_step` and `exponential`: what it is multiplied with.
    pub factor: Option<f64>,
    /// Of `cosine`: how many steps it takes to come down; all steps of the training if it is not given.
    pub steps: Option<u64>,
    /// Of `cosine`: the share of the rate that it comes down to.
    #[serde(default)]
    pub least: f64,
    /// Steps in which the rate first rises evenly from 0.
    #[serde(default)]
    pub warm_up: u64,
}

/// The schedules, as PyTorch has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// The same rate.
    #[default]
    Constant,
    /// `StepLR`.
    Step,
    /// `MultiStepLR`.
    MultiStep,
    /// `ExponentialLR`.
    Exponential,
    /// `CosineAnnealingLR`.
    Cosine,
}

impl ScheduleConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        let takes = |field: &str, given: bool, kinds: &[ScheduleKind], needed: bool| {
            let here = kinds.contains(&self.kind);
            match (given, here) {
                (true, false) => Err(format!("[schedule] `{field}` is not of this `kind`")),
                (false, true) if needed => Err(format!("[schedule] this `kind` needs `{field}`")),
                _ => Ok(()),
            }
        };
        use ScheduleKind::{Cosine, Exponential, MultiStep, Step};
        takes("every", self.every.is_some(), &[Step], true)?;
        takes("after", self.after.is_some(), &[MultiStep], true)?;
        takes("factor", self.factor.is_some(), &[Step, MultiStep, Exponential], true)?;
        takes("steps", self.steps.is_some(), &[Cosine], false)?;
        takes("least", self.least != 0.0, &[Cosine], false)?;
        if self.every == Some(0) || self.steps == Some(0) {
            return Err("[schedule] 0 steps: give 1 or more".into());
        }
        if [self.factor.unwrap_or(0.0), self.least].iter().any(|share| !(0.0..=1.0).contains(share)) {
            return Err("[schedule] `factor` and `least` are from 0 to 1".into());
        }
        Ok(())
    }

    /// For a training of so many steps.
    pub(super) fn schedule(&self, steps: u64) -> Schedule {
        let factor = self.factor.unwrap_or(1.0);
        let schedule = match self.kind {
            ScheduleKind::Constant => Schedule::Constant,
            ScheduleKind::Step => Schedule::Step { every: self.every.unwrap_or(1), factor },
            ScheduleKind::MultiStep => {
                Schedule::MultiStep { after: self.after.clone().unwrap_or_default(), factor }
            }
            ScheduleKind::Exponential => Schedule::Exponential { factor },
            ScheduleKind::Cosine => {
                let steps = self.steps.unwrap_or(steps.saturating_sub(self.warm_up).max(1));
                Schedule::Cosine { steps, least: self.least }
            }
        };
        if self.warm_up > 0 { schedule.after_warm_up(0.0, self.warm_up) } else { schedule }
    }
}

/// Linear models of a table's columns: network, loss and optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LinearModelConfig {
    /// Least squares.
    LinearRegression {},
    /// Least squares, with a penalty on large weights.
    Ridge {
        /// α, as scikit-learn's `Ridge(alpha)`.
        #[serde(default = "unit")]
        alpha: f64,
    },
    /// Two classes, as scikit-learn's `LogisticRegression(C)`.
    LogisticRegression {
        /// C.
        #[serde(default = "unit")]
        c: f64,
    },
    /// Several classes.
    MultinomialRegression {
        /// C.
        #[serde(default = "unit")]
        c: f64,
    },
    /// Two classes with a margin between them, as scikit-learn's `SVC(kernel="linear", C)`.
    LinearSvm {
        /// C.
        #[serde(default = "unit")]
        c: f64,
    },
}

fn unit() -> f64 {
    1.0
}

impl LinearModelConfig {
    /// The loss that it is trained with.
    pub(super) fn loss(self) -> LossConfig {
        match self {
            LinearModelConfig::LinearRegression {} | LinearModelConfig::Ridge { .. } => LossConfig::Mse,
            LinearModelConfig::LogisticRegression { .. } => LossConfig::BceWithLogits,
            LinearModelConfig::MultinomialRegression { .. } => LossConfig::CrossEntropy,
            LinearModelConfig::LinearSvm { .. } => LossConfig::Hinge,
        }
    }

    /// For rows of so many numbers, of which so many train.
    pub(crate) fn build(self, features: usize, classes: usize, rows: usize) -> LinearModel {
        match self {
            LinearModelConfig::LinearRegression {} => LinearModel::linear_regression(features),
            LinearModelConfig::Ridge { alpha } => LinearModel::ridge(features, alpha, rows),
            LinearModelConfig::LogisticRegression { c } => {
                LinearModel::logistic_regression(features, c, rows)
            }
            LinearModelConfig::MultinomialRegression { c } => {
                LinearModel::multinomial_regression(features, classes, c, rows)
            }
            LinearModelConfig::LinearSvm { c } => LinearModel::linear_svm(features, c, rows),
        }
    }

    pub(super) fn check(self) -> Result<(), String> {
        match self {
            LinearModelConfig::Ridge { alpha } if !(0.0..=1e6).contains(&alpha) => {
                Err(format!("[model] `alpha` {alpha}: from 0 to a million"))
            }
            LinearModelConfig::LogisticRegression { c }
            | LinearModelConfig::MultinomialRegression { c }
            | LinearModelConfig::LinearSvm { c }
                if !(c > 0.0 && c <= 1e9) =>
            {
                Err(format!("[model] `c` {c}: more than 0, at most 10^9"))
            }
            _ => Ok(()),
        }
    }
}

/// The receivers of each reveal. Nobody learns anything that is not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealConfig {
    /// The loss of every batch.
    #[serde(default)]
    pub loss: Vec<String>,
    /// The share of test rows that are right; without classes, the loss over the test rows.
    #[serde(default)]
    pub accuracy: Vec<String>,
    /// The area under the receiver operating curve, of two classes.
    #[serde(default)]
    pub auc: Vec<String>,
    /// How many test rows of each class were taken for each.
    #[serde(default)]
    pub confusion: Vec<String>,
    /// The trained parameters.
    #[serde(default)]
    pub model: Vec<String>,
}

impl RevealConfig {
    /// Whether anything is computed of test rows.
    pub fn tests(&self) -> bool {
        !(self.accuracy.is_empty() && self.auc.is_empty() && self.confusion.is_empty())
    }

    /// Everybody who learns something.
    pub fn receivers(&self) -> impl Iterator<Item = &String> {
        [&self.loss, &self.accuracy, &self.auc, &self.confusion, &self.model].into_iter().flatten()
    }
}

impl OwnerData {
    /// Whether this owner gives what is to be predicted.
    pub fn has_labels(&self) -> bool {
        self.label.is_some() || self.labels.is_some()
    }
}

/// Whether a file is read as a table.
pub(crate) fn is_table(file: &str) -> bool {
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["csv", "parquet"].contains(&ending.to_ascii_lowercase().as_str()))
}
