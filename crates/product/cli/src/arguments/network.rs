//! Sessions between machines: dealer and join.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args, ValueHint};
use tacita::graph::Interval;
use tacita::onnx::ImportOptions;

use super::local::{OwnerArguments, SizeArguments};
use super::values::{batch, range, seconds, seed, size, threads};
use crate::scale::Scale;

/// Deal correlated randomness to the parties of sessions
///
/// The dealer listens and dials nobody. It sees no data, no weights, no share and no result, and must not be run by,
/// or pool what it knows with, anyone who computes. One dealer serves sessions as their members come, several at once
/// and any number one after another, until it is told to stop (SIGTERM or Ctrl-C; once more ends it at once).
///
/// With `--ahead` it connects to nobody: it writes a file for every party, encrypted for that party, with all that it
/// would have sent. Each file serves once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita dealer --session session.toml --as dealer
  tacita dealer --session clinic.toml --session bank.toml --sessions 4 --metrics 127.0.0.1:9400
  tacita dealer --session session.toml --ahead tonight --graph model.graph --samples 200
                writes tonight.alice and tonight.bob")]
pub struct DealerArguments {
    /// A session file; may be repeated, one dealer serves them all
    #[arg(long = "session", value_name = "SESSION.toml", required = true, value_hint = ValueHint::FilePath)]
    pub sessions: Vec<PathBuf>,
    /// The dealer's name [default: the one in the session file]
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Threads for each session [default: the processor's, shared between the sessions at once]
    #[arg(long, value_name = "T", value_parser = threads())]
    pub threads: Option<u16>,
    /// Sessions served at once; the members of further ones are told to come later, and do
    #[arg(long = "sessions", value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub at_once: u16,
    /// Serve one session and end with its exit code
    #[arg(long)]
    pub once: bool,
    /// Seconds that sessions may go on after a request to stop; new ones are not begun
    #[arg(long, value_name = "S", default_value = "30", value_parser = seconds)]
    pub grace: Duration,
    #[command(flatten)]
    pub metrics: MetricsArguments,
    /// Write what would be sent into FILE.MEMBER for every member, instead of serving
    #[arg(
        long, value_name = "FILE", value_hint = ValueHint::FilePath, requires_all = ["graph", "samples"],
        conflicts_with_all = ["listen", "at_once", "once", "grace", "metrics"]
    )]
    pub ahead: Option<PathBuf>,
    /// With --ahead: the graph that will be evaluated, as export-graph wrote it
    #[arg(long, value_name = "GRAPH", value_hint = ValueHint::FilePath, requires = "ahead")]
    pub graph: Option<PathBuf>,
    /// With --ahead: how many samples it will be evaluated on
    #[arg(long, value_name = "N", value_parser = batch, allow_negative_numbers = true, requires = "ahead")]
    pub samples: Option<NonZeroUsize>,
    /// With --ahead: samples evaluated together [default: as join has it]
    #[arg(long, value_name = "B", value_parser = batch, allow_negative_numbers = true, requires = "ahead")]
    pub batch: Option<NonZeroUsize>,
    /// With --ahead: a number for a size that the graph leaves open; several times for several sizes
    #[arg(long = "size", value_name = "NAME=N", value_parser = size, requires = "ahead")]
    pub sizes: Vec<(String, NonZeroUsize)>,
    #[command(flatten)]
    pub insecure: InsecureArguments,
}

/// Take part in a session as a computing party or an owner
///
/// Every member types one such command on its own machine; whoever comes first waits for the others. What will be
/// revealed to whom is printed before anything is sent, and a result that is computed from your data is revealed to
/// another only if `--allow-reveal` lists it. Graph, owners and batch must be the same everywhere: the members compare,
/// and a difference ends the session before any data is used, with the first node that differs.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("computation").args(["model", "graph", "train"]).required(true).multiple(true)))]
#[command(after_help = "\
Examples:
  tacita join --session session.toml --as bob --model model.onnx --allow-reveal logits:alice
  tacita join --session session.toml --as alice --graph model.graph --input x.npy --output y.npy
  tacita join --session session.toml --as carol --graph model.graph
              a party that has no data and learns nothing
  tacita join --session session.toml --as alice --train train.toml --checkpoints run1 --allow-reveal loss,accuracy
              trains; every member has the same train.toml, and its own data beside it

The graph is what the model's owner writes with `tacita export-graph` and sends to the others: no weights are in it.
Output files appear whole or not at all, and only if the session went well for every member.")]
pub struct JoinArguments {
    /// The session file
    #[arg(long, value_name = "SESSION.toml", value_hint = ValueHint::FilePath)]
    pub session: PathBuf,
    /// Which member of it you are
    #[arg(long = "as", value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub place: PlaceArguments,
    /// The network with its weights, if they are yours
    #[arg(long, value_name = "M.onnx", value_hint = ValueHint::FilePath)]
    pub model: Option<PathBuf>,
    /// The computation without weights, as export-graph wrote it; with --model too, they must be the same
    #[arg(long, value_name = "GRAPH", value_hint = ValueHint::FilePath)]
    pub graph: Option<PathBuf>,
    /// Train instead, by this configuration, which all members have alike (docs/training.md)
    #[arg(
        long, value_name = "CONFIG.toml", value_hint = ValueHint::FilePath,
        conflicts_with_all = [
            "model", "graph", "weights", "input_owner", "reveal", "argmax", "range", "input", "scale", "output", "labels",
            "batch", "sizes", "correlations"
        ]
    )]
    pub train: Option<PathBuf>,
    #[command(flatten)]
    pub training: JoinTrainingArguments,
    #[command(flatten)]
    pub owners: JoinOwnerArguments,
    /// Your samples, first axis the batch: X.npy or FILE.npz:NAME
    #[arg(long, value_name = "X", value_hint = ValueHint::FilePath)]
    pub input: Option<String>,
    /// Divide samples by S, so 255 for bytes of pixels [default: samples are used as they are]
    #[arg(long, value_name = "S", requires = "input")]
    pub scale: Option<Scale>,
    /// Write the result here as .npy, if you receive it: f32, or i64 with --argmax
    #[arg(long, value_name = "Y.npy", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Right labels to compare the result with, if you receive it: L.npy or FILE.npz:NAME
    #[arg(long, value_name = "L", value_hint = ValueHint::FilePath)]
    pub labels: Option<String>,
    /// Write what it cost as JSON here
    #[arg(long, value_name = "R.json", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub sizes: SizeArguments,
    /// Threads [default: the processor's]
    #[arg(long, value_name = "T", value_parser = threads())]
    pub threads: Option<u16>,
    /// What the dealer wrote ahead for you (`dealer --ahead`): the session then has no dealer. Serves once
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub correlations: Option<PathBuf>,
    /// Agree that a result computed from your data is revealed to others: NAME, or NAME:RECEIVER for one of them;
    /// several by commas
    #[arg(long, value_name = "NAME[:RECEIVER]", value_delimiter = ',')]
    pub allow_reveal: Vec<String>,
    #[command(flatten)]
    pub metrics: MetricsArguments,
    #[command(flatten)]
    pub insecure: InsecureArguments,
}

/// What only a training takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub struct JoinTrainingArguments {
    #[command(flatten)]
    pub own: super::TrainingArguments,
}

/// Where a member's key is and where it listens.
#[derive(Debug, Args)]
pub struct PlaceArguments {
    /// Your key, as `tacita identity` wrote it [default: NAME.key beside the session file]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// Listen here instead of at your address in the session file, as behind a proxy or in a container: 0.0.0.0:7400
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
}

/// Who owns and receives what, where a model and no graph says it.
#[derive(Debug, Args)]
pub struct JoinOwnerArguments {
    /// With --model alone, who owns the weights [default: bob]
    #[arg(long, value_name = "OWNER", conflicts_with = "graph")]
    pub weights: Option<String>,
    /// With --model alone, who owns its input [default: alice]
    #[arg(long, value_name = "OWNER", conflicts_with = "graph")]
    pub input_owner: Option<String>,
    /// With --model alone, to whom the result is revealed; several by commas [default: alice]
    #[arg(long, value_name = "OWNER", value_delimiter = ',', conflicts_with = "graph")]
    pub reveal: Vec<String>,
    /// With --model alone, reveal which class is largest, and not by how much
    #[arg(long, conflicts_with = "graph")]
    pub argmax: bool,
    /// With --model alone, between which numbers the input is declared to lie, scaled; as in export-graph
    #[arg(
        long, value_name = "LOW..HIGH", value_parser = range, allow_hyphen_values = true, conflicts_with = "graph"
    )]
    pub range: Option<Interval>,
}

/// Where metrics are shown.
#[derive(Debug, Args)]
pub struct MetricsArguments {
    /// Show metrics for Prometheus at http://ADDR:PORT/metrics, and /healthz; anyone who reaches it may read them
    #[arg(long, value_name = "ADDR:PORT")]
    pub metrics: Option<String>,
}

/// What makes a run repeatable and lays it open.
#[derive(Debug, Args)]
pub struct InsecureArguments {
    /// For tests: draw every random number from this seed, 64 hexadecimal digits. Nothing is private then
    #[arg(long = "insecure-fixed-seed-for-tests", value_name = "HEX", hide_short_help = true, value_parser = seed)]
    pub fixed_seed: Option<[u8; 32]>,
}

impl DealerArguments {
    /// The file of the dealer's key.
    pub fn key(&self, name: &str) -> PathBuf {
        self.place.key(self.sessions.first().map_or(Path::new(""), PathBuf::as_path), name)
    }
}

impl JoinArguments {
    /// The file of the member's key.
    pub fn key(&self) -> PathBuf {
        self.place.key(&self.session, &self.name)
    }
}

impl PlaceArguments {
    fn key(&self, session: &Path, name: &str) -> PathBuf {
        self.key.clone().unwrap_or_else(|| session.with_file_name(format!("{name}.key")))
    }
}

impl JoinOwnerArguments {
    /// As the import takes them.
    pub fn import_options(&self) -> ImportOptions {
        let JoinOwnerArguments { weights, input_owner, reveal, argmax, range } = self;
        let (weights, input_owner) = (weights.clone(), input_owner.clone());
        OwnerArguments { weights, input_owner, reveal: reveal.clone(), argmax: *argmax, range: *range }
            .import_options()
    }
}

impl InsecureArguments {
    /// The seed, after a warning on standard error.
    pub fn seed(&self) -> Option<[u8; 32]> {
        if self.fixed_seed.is_some() {
            eprintln!(
                "warning: --insecure-fixed-seed-for-tests makes every mask predictable: nothing in this run is private"
            );
        }
        self.fixed_seed
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    struct Call {
        #[command(subcommand)]
        command: Both,
    }

    #[derive(Debug, Subcommand)]
    enum Both {
        Dealer(Box<DealerArguments>),
        Join(Box<JoinArguments>),
    }

    fn call(line: &str) -> Result<Both, String> {
        let words = ["tacita"].into_iter().chain(line.split_whitespace());
        Call::try_parse_from(words).map(|call| call.command).map_err(|error| error.to_string())
    }

    fn join(line: &str) -> JoinArguments {
        match call(line) {
            Ok(Both::Join(arguments)) => *arguments,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn dealer(line: &str) -> DealerArguments {
        match call(line) {
            Ok(Both::Dealer(arguments)) => *arguments,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_key_lies_beside_the_session_file() {
        let joining = join("join --session try/s.toml --as bob --graph g");
        assert_eq!(joining.key(), Path::new("try/bob.key"));
        let joining = join("join --session try/s.toml --as bob --graph g --key /etc/k");
        assert_eq!(joining.key(), Path::new("/etc/k"));
        let dealing = dealer("dealer --session s.toml --session other/t.toml");
        assert_eq!(dealing.key("d"), Path::new("d.key"));
    }

    #[test]
    fn a_graph_has_owners_and_reveals_already() {
        let options = join(
            "join --session s --as bob --model m --weights lab --input-owner clinic --reveal a,b --argmax",
        )
        .owners
        .import_options();
        let receivers = options.receivers.join(",");
        assert_eq!(
            (
                options.weights_owner.as_str(),
                options.input_owner.as_str(),
                receivers.as_str(),
                options.argmax
            ),
            ("lab", "clinic", "a,b", true)
        );
        assert!(join("join --session s --as bob --model m --graph g").owners.weights.is_none());
        for option in ["--weights lab", "--input-owner a", "--reveal a", "--argmax", "--range 0..1"] {
            let error = call(&format!("join --session s --as bob --model m --graph g {option}")).unwrap_err();
            assert!(error.contains("cannot be used with"), "{error}");
        }
        assert!(call("join --session s --as bob").unwrap_err().contains("--model"));
    }

    #[test]
    fn dealing_ahead_serves_nobody() {
        let ahead = "dealer --session s --ahead f --graph g --samples 200";
        assert_eq!(dealer(&format!("{ahead} --batch 32")).batch.map(NonZeroUsize::get), Some(32));
        for option in ["--once", "--listen a:1", "--grace 3", "--sessions 2", "--metrics a:1"] {
            assert!(call(&format!("{ahead} {option}")).is_err(), "{option}");
        }
        for incomplete in
            ["--ahead f --graph g", "--ahead f --samples 3", "--graph g", "--samples 3", "--batch 3"]
        {
            assert!(call(&format!("dealer --session s {incomplete}")).is_err(), "{incomplete}");
        }
    }

    #[test]
    fn reveals_are_listed_by_commas_or_one_by_one() {
        let line = "join --session s --as bob --graph g --allow-reveal a,b:alice --allow-reveal c";
        assert_eq!(join(line).allow_reveal, ["a", "b:alice", "c"]);
    }

    #[test]
    fn what_is_insecure_is_not_in_short_help() {
        for command in ["join", "dealer"] {
            assert!(!call(&format!("{command} -h")).unwrap_err().contains("insecure"));
            assert!(
                call(&format!("{command} --help")).unwrap_err().contains("insecure-fixed-seed-for-tests")
            );
        }
    }
}
