//! `tacita completions`.

use clap::CommandFactory;

use crate::arguments::{CompletionsArguments, Program};
use crate::print::{Answer, json};

/// The script for a shell.
pub fn run(arguments: &CompletionsArguments) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Program::command(), "tacita", &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    Answer { json: json(&text), text }
}
