//! Reports of trainings, for programs to read.

use serde::{Deserialize, Serialize};

use tacita_session::{Reveal, Seconds};

/// The figures of a test, those that were revealed to a member here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestFigures {
    /// Steps taken before it.
    pub step: u64,
    /// The share of test rows that are right.
    pub accuracy: Option<f64>,
    /// The area under the receiver operating curve.
    pub auc: Option<f64>,
    /// Test rows by class (first) and by what they were taken for.
    pub confusion: Option<Vec<Vec<u64>>>,
    /// The mean loss over test rows, of a training on numbers.
    pub loss: Option<f64>,
}

/// Field names are those of the JSON report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainReport {
    /// Version of this format.
    pub version: u32,
    /// Computing parties.
    pub parties: usize,
    /// Threads of each party.
    pub threads: usize,
    /// The machine's processor.
    pub cpu: String,
    /// The links between the members.
    pub transport: String,
    /// Fractional bits.
    pub precision_bits: u32,
    /// Rows that train, of all owners.
    pub rows: usize,
    /// Rows of the test.
    pub test_rows: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Steps that the parameters have behind them.
    pub steps: u64,
    /// The step of the checkpoint that was resumed.
    pub resumed_from: Option<u64>,
    /// The loss of the last batch before its step, if revealed to a member here.
    pub final_loss: Option<f64>,
    /// Of the last test.
    pub accuracy: Option<f64>,
    /// Of the last test.
    pub auc: Option<f64>,
    /// Of the last test.
    pub confusion: Option<Vec<Vec<u64>>>,
    /// Of the last test, of a training on numbers.
    pub test_loss: Option<f64>,
    /// The median over the steps of this run, offline and online together.
    pub seconds_per_step: f64,
    /// Rounds of a step.
    pub rounds_per_step: u64,
    /// Payload that a step has the party send that sends most.
    pub online_bytes_per_step: u64,
    /// Payload that the dealer sends for a step.
    pub offline_bytes_per_step: u64,
    /// Wall times of this run; tests are part of it.
    pub seconds: Seconds,
    /// Largest resident size of the process, with all local members.
    pub peak_rss_bytes: u64,
    /// All that anyone learned.
    pub reveals: Vec<Reveal>,
    /// The revealed losses: step and loss.
    pub losses: Vec<(u64, f64)>,
    /// The tests.
    pub tests: Vec<TestFigures>,
}
