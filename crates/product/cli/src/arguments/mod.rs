//! What users type. The comments are what `--help` prints. A file for each group of commands.

mod local;
mod member;
mod network;
mod setup;
mod train;
mod values;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::logging::{Format, Level};
use crate::print;

pub use local::*;
pub use {member::MemberArgument, network::*, setup::*, train::*};

/// Private machine learning: a trained network is evaluated on data that its owner does not show, with weights that
/// their owner does not show either.
///
/// Local commands run all parties and the dealer in one process, with the real protocol over real links: they show
/// what a model costs and how accurate it is. What a result reveals, and to whom, is printed with it.
///
/// Between organisations each member has a key of its own (`identity`) and all have one session file (`session new`).
#[derive(Debug, Parser)]
#[command(
    name = "tacita",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
#[command(after_help = "\
Begin with
  tacita demo

Exit codes: 0 done, 2 usage, 3 bad file or input, 4 model refused, 5 parties disagree, 6 peer or network, 7 internal")]
pub struct Program {
    #[command(flatten)]
    pub global: GlobalArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What any command takes.
#[derive(Debug, Args)]
pub struct GlobalArguments {
    /// Print one JSON value instead of text; errors become {"error": {"code", "node", "peer", "round", "message"}}
    #[arg(long, global = true, display_order = 900)]
    pub json: bool,
    /// Log this much on standard error: never data, weights, shares or keys [default: warn]. The environment's
    /// TACITA_LOG says it by part instead, as in tacita_net=debug,warn
    #[arg(long, global = true, display_order = 901, value_name = "LEVEL")]
    pub log: Option<Level>,
    /// How log lines look: text for people, json for a collector
    #[arg(long, global = true, display_order = 902, value_name = "FORMAT", default_value = "text")]
    pub log_format: Format,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(DemoArguments),
    Infer(InferArguments),
    Plan(PlanArguments),
    Check(CheckArguments),
    ExportGraph(ExportArguments),
    Identity(IdentityArguments),
    #[command(subcommand)]
    Session(SessionCommand),
    Init(InitArguments),
    Dealer(Box<DealerArguments>),
    Join(Box<JoinArguments>),
    Train(Box<TrainArguments>),
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print the functions that models may use: how accurate over which domain, how many rounds and bytes
    Functions,
    Completions(CompletionsArguments),
}

/// Print a script that completes commands and options in your shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita completions bash > ~/.local/share/bash-completion/completions/tacita
  tacita completions zsh > ~/.zfunc/_tacita
  tacita completions fish > ~/.config/fish/completions/tacita.fish")]
pub struct CompletionsArguments {
    /// The shell
    pub shell: Shell,
}

/// Ends a run that got no command: help and version to standard output, a wrong call as one line of error.
pub fn explain(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // a closed pipe is no error
            let _ = error.print();
            u8::try_from(error.exit_code()).unwrap_or(crate::failure::USAGE).into()
        }
        _ => {
            let json = std::env::args_os().take_while(|a| a != "--").any(|a| a == "--json");
            print::failure(&Failure::usage(in_a_line(&error.to_string())), json)
        }
    }
}

/// Clap's message without its usage and its newlines.
fn in_a_line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let end = ["\n\nUsage:", "\n\nFor more information"].iter().filter_map(|mark| text.find(mark)).min();
    let words: Vec<&str> = text[..end.unwrap_or(text.len())].split_whitespace().collect();
    format!("{} (see --help)", words.join(" "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Program::command().debug_assert();
    }

    #[test]
    fn errors_of_usage_are_a_line() {
        for call in [
            &["tacita", "infer", "m.onnx", "--inptu", "x.npy"][..],
            &["tacita", "infer"],
            &["tacita", "infer", "m.onnx", "--input", "x.npy", "--batch", "0"],
            &["tacita", "infer", "m.onnx", "--input", "x.npy", "--link", "slow"],
        ] {
            let line = in_a_line(&Program::try_parse_from(call).unwrap_err().to_string());
            assert!(
                !line.contains('\n') && !line.contains("Usage") && line.ends_with("(see --help)"),
                "{line}"
            );
        }
    }
}
