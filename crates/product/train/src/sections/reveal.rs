//! Reveals and their receivers.

use serde::{Deserialize, Serialize};

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
