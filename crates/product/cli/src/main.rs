//! The program `tacita`: private machine learning from the command line.
//!
//! Each command is a file in `commands`: it returns its output and prints nothing but progress. This file prints. The
//! program may use the crates `tacita` and `tacita-data`. Begin with `arguments/mod.rs`, which lists the commands.

mod arguments;
mod batch;
mod commands;
mod curves;
#[cfg(test)]
mod deployed;
mod failure;
mod files;
mod fingerprint;
mod http;
mod logging;
mod memory;
mod monitor;
mod ports;
mod print;
mod progress;
mod samples;
mod scale;
mod stop;
mod summary;
mod tables;

use std::process::ExitCode;

use arguments::Program;
use clap::Parser;
use failure::Failure;

fn main() -> ExitCode {
    memory::keep_pages();
    failure::report_panics_in_a_line();
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(error) => return arguments::explain(&error),
    };
    let json = program.global.json;
    if let Err(failure) = logging::install(program.global.log, program.global.log_format) {
        return print::failure(&failure, json);
    }
    let result = std::panic::catch_unwind(|| commands::run(&program));
    match result.unwrap_or_else(|_| Err(Failure::internal())) {
        Ok(answer) => match print::answer(&answer, json) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => print::failure(&failure, json),
        },
        Err(failure) => print::failure(&failure, json),
    }
}
