//! One command a file.

mod bench;
mod check;
mod completions;
mod dealer;
mod demo;
mod export_graph;
mod functions;
mod identity;
mod infer;
mod init;
mod join;
mod plan;
mod session;
mod train;

use crate::arguments::{Command, Program};
use crate::failure::Failure;
use crate::print::Answer;

/// Does what was asked.
pub fn run(program: &Program) -> Result<Answer, Failure> {
    match &program.command {
        Command::Demo(arguments) => demo::run(arguments, program.global.json),
        Command::Infer(arguments) => infer::run(arguments, program.global.json),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::ExportGraph(arguments) => export_graph::run(arguments),
        Command::Dealer(arguments) => dealer::run(arguments, program.global.json),
        Command::Join(arguments) => join::run(arguments, program.global.json),
        Command::Identity(arguments) => identity::run(arguments),
        Command::Session(command) => session::run(command),
        Command::Init(arguments) => init::run(arguments),
        Command::Bench(command) => bench::run(command, program.global.json),
        Command::Train(arguments) => train::run(arguments, program.global.json),
        Command::Functions => functions::run(),
        Command::Completions(arguments) => Ok(completions::run(arguments)),
    }
}
