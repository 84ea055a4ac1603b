//! `tacita bench`.

mod models;
mod operations;

use tacita::Options;

use crate::arguments::BenchCommand;
use crate::failure::Failure;
use crate::print::Answer;
use crate::summary::threads_of;

/// Measures what was asked for.
pub fn run(command: &BenchCommand, quiet: bool) -> Result<Answer, Failure> {
    match command {
        BenchCommand::Ops(arguments) => operations::run(arguments, quiet),
        BenchCommand::Models(arguments) => models::run(arguments, quiet),
    }
}

/// Those of all that are named, or all if none is.
fn chosen<'a, T>(
    all: &'a [T],
    name: impl Fn(&T) -> &'static str,
    names: &[String],
) -> Result<Vec<&'a T>, Failure> {
    if let Some(unknown) = names.iter().find(|named| !all.iter().any(|one| name(one) == named.as_str())) {
        let known: Vec<&str> = all.iter().map(name).collect();
        return Err(Failure::usage(format!("{unknown:?} is none of {}", known.join(", "))));
    }
    let wanted = |one: &&T| names.is_empty() || names.iter().any(|named| named == name(one));
    Ok(all.iter().filter(wanted).collect())
}

/// Where it ran, in a line.
fn setting(options: &Options) -> String {
    let Options { parties, threads, dealer_threads, link, .. } = options;
    format!(
        "{parties} parties and a dealer, {}, {}, link {link}",
        threads_of(*threads, Some(*dealer_threads)),
        tacita::cpu()
    )
}
