//! An owner's data.

use std::path::Path;

use serde::{Deserialize, Serialize};

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
