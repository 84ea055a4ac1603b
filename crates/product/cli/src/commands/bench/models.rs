//! `tacita bench models`.
//!
//! The peak of memory is a process's, so each of several networks is measured by a process of its own: this program with
//! that network's name and `--json`.

use std::process::{Command, Stdio};

use serde::Deserialize;
use tacita::{Options, Timeline};
use tacita_bench::{ARCHITECTURES, Architecture, MeasuredModel, RUNS, bench_model};

use super::{chosen, setting};
use crate::arguments::BenchModelsArguments;
use crate::failure::Failure;
use crate::files;
use crate::print::{Answer, json};
use crate::progress::Bar;
use crate::tables::{bytes, number, numbers, rendered, table, words};

pub fn run(arguments: &BenchModelsArguments, quiet: bool) -> Result<Answer, Failure> {
    let chosen = chosen(ARCHITECTURES, |architecture| architecture.name, &arguments.names)?;
    let options = arguments.local.options();
    let mut timeline = Timeline::default();
    if arguments.timeline.is_some() && chosen.len() > 1 {
        return Err(Failure::usage("a timeline is of one network: name it, such as resnet18".to_owned()));
    }
    files::check_outputs(&[arguments.timeline.as_deref()])?;
    let bar = Bar::new(quiet);
    let mut rows = Vec::with_capacity(chosen.len());
    for (done, architecture) in chosen.iter().enumerate() {
        bar.count(done, chosen.len());
        let batch = arguments.batch.map_or(architecture.batch, |batch| batch.get());
        if chosen.len() == 1 {
            rows.push(bench_model(architecture, batch, &options, &mut timeline)?);
        } else {
            rows.extend(elsewhere(architecture, batch, &options, arguments.local.threads)?);
        }
    }
    drop(bar);
    if let Some(path) = &arguments.timeline {
        files::write(path, timeline.trace().as_bytes())?;
    }
    let text = format!("{}: median of {RUNS}\n\n{}", setting(&options), shown(&rows));
    Ok(Answer { text, json: json(&rows) })
}

/// The row of a network that a process of its own measured.
fn elsewhere(
    architecture: &Architecture,
    batch: usize,
    options: &Options,
    threads: Option<u16>,
) -> Result<Vec<MeasuredModel>, Failure> {
    let failed = |what: String| Failure::system(format!("{}: {what}", architecture.name));
    let program = std::env::current_exe().map_err(|e| failed(format!("where this program is: {e}")))?;
    let output = Command::new(program)
        .args(["bench", "models", architecture.name, "--json"])
        .args(["--batch", &batch.to_string()])
        .args(["--parties", &options.parties.to_string()])
        .args(["--link", &options.link.to_string()])
        .args(["--precision", &options.precision.to_string()])
        .args(threads.map(|threads| format!("--threads={threads}")))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|e| failed(format!("a process for it cannot start: {e}")))?;
    if output.status.success() {
        return serde_json::from_slice(&output.stdout).map_err(|e| failed(format!("its row: {e}")));
    }
    #[derive(Deserialize)]
    struct Wrapped {
        error: Failure,
    }
    Err(match serde_json::from_slice::<Wrapped>(&output.stdout) {
        Ok(wrapped) => wrapped.error,
        Err(_) => failed(format!("its process ended with {}; is there too little memory?", output.status)),
    })
}

fn shown(rows: &[MeasuredModel]) -> String {
    let mut costs = table(&[
        words("model"),
        numbers("batch"),
        numbers("rounds"),
        numbers("online a party"),
        numbers("offline"),
        numbers("memory"),
        numbers("largest error"),
    ]);
    let mut times = table(&[
        words("seconds"),
        numbers("setup"),
        numbers("offline"),
        numbers("online"),
        numbers("both"),
        numbers("bound"),
        numbers("ratio"),
        numbers("arithmetic"),
        numbers("bytes"),
        numbers("rounds"),
        numbers("f64 in the clear"),
    ]);
    for row in rows {
        let report = &row.report;
        costs.add_row(vec![
            row.model.clone(),
            report.batch.to_string(),
            report.rounds.to_string(),
            bytes(report.online_bytes_per_party),
            bytes(report.offline_bytes),
            bytes(report.peak_rss_bytes),
            report.max_abs_error.map_or_else(String::new, number),
        ]);
        let both = report.seconds.offline + report.seconds.online;
        let seconds =
            [report.seconds.setup, report.seconds.offline, report.seconds.online, both, row.bound.total];
        let parts = [row.bound.arithmetic, row.bound.bytes, row.bound.rounds, row.plain_seconds];
        let show = |seconds: f64| format!("{seconds:.4}");
        let ratio = format!("{:.2}", both / row.bound.total);
        let cells = seconds.map(show).into_iter().chain([ratio]).chain(parts.map(show));
        times.add_row(std::iter::once(row.model.clone()).chain(cells).collect::<Vec<_>>());
    }
    let mut text = rendered(&costs) + "\n" + &rendered(&times);
    if let Some(row) = rows.first() {
        let rates = row.rates;
        text += &format!(
            "\nthe bound is the sum of arithmetic, bytes and rounds, at {:.0} Gop/s a core",
            rates.operations_per_second / 1e9
        );
        if let Some(rate) = rates.bytes_per_second {
            text += &format!(", {}/s one way, {:.1} µs", bytes(rate as u64), rates.latency * 1e6);
        }
        text += " as measured before\n";
    }
    text
}
