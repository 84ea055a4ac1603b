//! Losses.

use serde::{Deserialize, Serialize};
use tacita_nn::{Loss, Reduction};

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

    pub(crate) fn loss(self) -> Loss {
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
