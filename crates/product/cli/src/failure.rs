//! What ends a command that cannot do what it was asked.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tacita_data::DataError;

/// Bad usage.
pub const USAGE: u8 = 2;
/// A file or its contents.
pub const INPUT: u8 = 3;
/// A peer, the network, or what the system has of it.
const NETWORK: u8 = 6;
/// This program.
const INTERNAL: u8 = 7;

/// An error as the program reports it: one line that says what is wrong where, and the exit code.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// The graph node that it is about.
    pub node: Option<String>,
    /// The member of the session that it is about.
    pub peer: Option<String>,
    /// The round that it happened in.
    pub round: Option<u32>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Failure {
    fn new(code: u8, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), node: None, peer: None, round: None }
    }

    /// The command makes no sense.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(USAGE, message)
    }

    /// A file, or what is in it, cannot be used.
    pub fn input(message: impl Into<String>) -> Failure {
        Failure::new(INPUT, message)
    }

    /// The system refuses an address, a thread or the like.
    pub fn system(message: impl Into<String>) -> Failure {
        Failure::new(NETWORK, message)
    }

    /// After a panic, which has said more on standard error.
    pub fn internal() -> Failure {
        Failure::new(INTERNAL, "internal error: please report it with this output and the command")
    }

    /// Names the file, unless the message does already.
    #[must_use]
    pub fn about(mut self, path: &Path) -> Failure {
        let name = path.display().to_string();
        if !self.message.contains(&name) {
            self.message = format!("{name}: {}", self.message);
        }
        self
    }
}

impl From<tacita::Error> for Failure {
    fn from(error: tacita::Error) -> Failure {
        Failure {
            code: error.exit_code(),
            node: error.node().map(str::to_owned),
            peer: error.peer().map(str::to_owned),
            round: error.round(),
            message: error.to_string(),
        }
    }
}

impl From<tacita::IdentityError> for Failure {
    fn from(error: tacita::IdentityError) -> Failure {
        tacita::Error::from(error).into()
    }
}

impl From<tacita::FileError> for Failure {
    fn from(error: tacita::FileError) -> Failure {
        tacita::Error::from(error).into()
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Failure {
        Failure::input(error.to_string())
    }
}

/// A panic is a mistake in this program: a line says where, and the command ends with the code for that. With
/// `RUST_BACKTRACE` set, the usual long form.
pub fn report_panics_in_a_line() {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string().replace('\n', " ");
        let _ = writeln!(std::io::stderr(), "internal error: {text}");
    }));
}
