//! `tacita bench`.

use tacita::library::{BENCHMARKS, Measured, bench_operation};

use crate::arguments::{BenchCommand, BenchOpsArguments};
use crate::failure::Failure;
use crate::print::{Answer, json};
use crate::progress::Bar;
use crate::tables::{bytes, numbers, rendered, table, words};

/// Measures what was asked for.
pub fn run(command: &BenchCommand, quiet: bool) -> Result<Answer, Failure> {
    match command {
        BenchCommand::Ops(arguments) => operations(arguments, quiet),
    }
}

fn operations(arguments: &BenchOpsArguments, quiet: bool) -> Result<Answer, Failure> {
    let known = |name: &String| BENCHMARKS.iter().any(|benchmark| benchmark.name == name);
    if let Some(name) = arguments.names.iter().find(|name| !known(name)) {
        let names: Vec<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.name).collect();
        return Err(Failure::usage(format!("{name:?} is none of {}", names.join(", "))));
    }
    let wanted = |name: &str| arguments.names.is_empty() || arguments.names.iter().any(|n| n == name);
    let chosen: Vec<_> = BENCHMARKS.iter().filter(|benchmark| wanted(benchmark.name)).collect();
    let options = arguments.local.options();
    let bar = Bar::new(quiet);
    let mut rows = Vec::with_capacity(chosen.len());
    for (done, benchmark) in chosen.iter().enumerate() {
        bar.count(done, chosen.len());
        rows.push(bench_operation(benchmark, &options).map_err(Failure::from)?);
    }
    drop(bar);
    let text = format!(
        "{} parties and a dealer, {} thread{} each, {}, link {}: offline and online, median of 5\n\n{}",
        options.parties,
        options.threads,
        if options.threads == 1 { "" } else { "s" },
        tacita::cpu(),
        options.link,
        shown(&rows)
    );
    Ok(Answer { text, json: json(&rows) })
}

fn shown(rows: &[Measured]) -> String {
    let mut table = table(&[
        words("op"),
        numbers("shape"),
        numbers("rounds"),
        numbers("online a party"),
        numbers("offline"),
        numbers("seconds"),
        numbers("of them offline"),
        numbers("f64 in the clear"),
    ]);
    for row in rows {
        let shape: Vec<String> = row.shape.iter().map(usize::to_string).collect();
        table.add_row(vec![
            row.op.to_owned(),
            shape.join("×"),
            row.rounds.to_string(),
            bytes(row.online_bytes_per_party),
            bytes(row.offline_bytes),
            format!("{:.3}", row.seconds),
            format!("{:.3}", row.offline_seconds),
            format!("{:.4}", row.plain_seconds),
        ]);
    }
    rendered(&table)
}
