//! One command a file.

mod check;
mod completions;
mod demo;
mod export_graph;
mod infer;
mod plan;

use crate::arguments::{Command, Program};
use crate::failure::Failure;
use crate::print::Answer;

/// Does what was asked.
pub fn run(program: &Program) -> Result<Answer, Failure> {
    match &program.command {
        Command::Demo(arguments) => demo::run(arguments, program.json),
        Command::Infer(arguments) => infer::run(arguments, program.json),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::ExportGraph(arguments) => export_graph::run(arguments),
        Command::Completions(arguments) => Ok(completions::run(arguments)),
    }
}
