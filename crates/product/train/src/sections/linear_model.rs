//! Linear models of tables.

use serde::{Deserialize, Serialize};
use tacita_nn::LinearModel;

use super::LossConfig;

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
    pub(crate) fn loss(self) -> LossConfig {
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

    pub(crate) fn check(self) -> Result<(), String> {
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
