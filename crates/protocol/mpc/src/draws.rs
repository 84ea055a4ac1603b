//! Draws: a party's contribution to a value that nobody knows.

use tacita_correlations::{StreamId, Streams, Use};

use crate::error::MpcError;

/// A party's part of what a task draws, from its own seed at its place among `own`.
pub(crate) fn contribution(
    own: &Streams,
    party: usize,
    evaluation: u64,
    task: u32,
    words: usize,
) -> Result<Vec<u64>, MpcError> {
    Ok(own.words(party, StreamId::Evaluation { evaluation, task, purpose: Use::Own }, 0, words)?)
}
