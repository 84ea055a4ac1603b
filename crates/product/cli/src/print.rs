//! What goes to standard output and standard error.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use crate::failure::Failure;

/// What a command says when it is done, for people and for programs.
pub struct Answer {
    /// Lines of text.
    pub text: String,
    /// One JSON value.
    pub json: String,
}

/// Prints an answer. Whoever reads only its beginning, such as `head`, has had enough: that is no error.
pub fn answer(answer: &Answer, json: bool) -> Result<(), Failure> {
    let text = if json { &answer.json } else { &answer.text };
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") })
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::input(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints an error: a line on standard error; with `--json` one object on standard output, and as the line too unless
/// a person reads it.
pub fn failure(failure: &Failure, json: bool) -> ExitCode {
    #[derive(serde::Serialize)]
    struct Wrapped<'a> {
        error: &'a Failure,
    }
    let mut line = format!("error: {}\n", failure.message.replace(['\n', '\r'], " "));
    if json {
        let object = serde_json::to_string(&Wrapped { error: failure }).unwrap_or_default() + "\n";
        let _ = std::io::stdout().write_all(object.as_bytes());
        if !std::io::stderr().is_terminal() {
            line = object;
        }
    }
    let _ = std::io::stderr().write_all(line.as_bytes());
    ExitCode::from(failure.code)
}

/// A value as indented JSON.
pub fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("reports are plain data")
}
