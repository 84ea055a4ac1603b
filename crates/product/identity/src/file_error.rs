//! What can be wrong with the files that a session between machines needs.

use std::path::{Path, PathBuf};

/// Why a key, a certificate, a session file or a correlation file cannot be used. Every message is one line that names
/// the file, and where it helps the line or field.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file is missing or cannot be opened or read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The file cannot be written; nothing was left behind.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file of that name exists.
    #[error("{} is there already: nothing is overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A private key that its owner is not alone in being able to read.
    #[error(
        "{}: others on this machine may read this key (mode {mode:03o}); type `chmod 600 {}`, and make a new one if \
         somebody may have read it", path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file is not what it should be.
    #[error("{}{reason}", place(path.as_deref(), *line))]
    Invalid {
        /// The file, if the bytes came from one.
        path: Option<PathBuf>,
        /// The line, counted from 1, if one is to blame.
        line: Option<usize>,
        /// What is wrong, and what to do.
        reason: String,
    },
}

impl FileError {
    /// Something wrong with a file that the caller will name.
    pub fn invalid(reason: impl Into<String>) -> FileError {
        FileError::Invalid { path: None, line: None, reason: reason.into() }
    }

    /// The same of this file.
    pub fn of(self, path: &Path) -> FileError {
        match self {
            FileError::Invalid { line, reason, .. } => {
                FileError::Invalid { path: Some(path.to_owned()), line, reason }
            }
            other => other,
        }
    }

    /// The same, in this line.
    pub fn in_line(self, number: usize) -> FileError {
        match self {
            FileError::Invalid { path, reason, .. } => {
                FileError::Invalid { path, line: Some(number), reason }
            }
            other => other,
        }
    }

    /// The file that it is about.
    pub fn path(&self) -> Option<&Path> {
        match self {
            FileError::Read { path, .. }
            | FileError::Write { path, .. }
            | FileError::Exists { path }
            | FileError::Exposed { path, .. } => Some(path),
            FileError::Invalid { path, .. } => path.as_deref(),
        }
    }
}

fn place(path: Option<&Path>, line: Option<usize>) -> String {
    let path = path.map(|path| format!("{}: ", path.display())).unwrap_or_default();
    let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    path + &line
}
