//! The errors of this crate.

use crate::file_error::FileError;

/// Why an identity or a session file cannot be made or read. Every message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A key, certificate or session file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A certificate cannot be valid for so many days.
    #[error("a certificate for {days} days: 1 to {most} can be given")]
    Days {
        /// The days that were asked for.
        days: u32,
        /// The most that a certificate is made for.
        most: u32,
    },
    /// The session file lists no member of this name.
    #[error("{name:?} is no member of this session, which has {members}")]
    UnknownMember {
        /// The name that was asked for.
        name: String,
        /// The names of all members.
        members: String,
    },
    /// The system gave no randomness, or a key or certificate could not be encoded.
    #[error("internal error: {0}")]
    Internal(String),
}
