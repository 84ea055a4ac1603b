//! What can go wrong in reading streams and dealing.

/// A correlation that cannot be dealt or read: a broken invariant of the program that asks for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorrelationError {
    /// This member shares no seed with a holder.
    #[error("no seed shared with member {holder}")]
    NoSeed {
        /// The holder's index.
        holder: usize,
    },
    /// A range reaches beyond the words that were received.
    #[error("words {start} to {end} of {length}")]
    Range {
        /// First word.
        start: usize,
        /// The word after the last.
        end: usize,
        /// Words received.
        length: usize,
    },
    /// The plan gives a value no mask, though a correlation refers to it.
    #[error("ring node {value} has no {what}")]
    Missing {
        /// What it lacks.
        what: &'static str,
        /// The value's number.
        value: u32,
    },
    /// A value that was computed has not the words that its correlation declares.
    #[error("{dealt} words dealt, {declared} declared")]
    Size {
        /// Words computed.
        dealt: usize,
        /// Words declared.
        declared: usize,
    },
}
