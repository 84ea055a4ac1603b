//! `tacita bench ops`.

use tacita::Timeline;
use tacita_bench::{BENCHMARKS, Measured, bench_operation};

use super::{chosen, setting};
use crate::arguments::BenchOpsArguments;
use crate::failure::Failure;
use crate::files;
use crate::print::{Answer, json};
use crate::progress::Bar;
use crate::tables::{bytes, numbers, rendered, table, words};

pub fn run(arguments: &BenchOpsArguments, quiet: bool) -> Result<Answer, Failure> {
    let mut jobs = Vec::new();
    for benchmark in chosen(BENCHMARKS, |benchmark| benchmark.name, &arguments.names)? {
        if arguments.sizes.is_empty() {
            jobs.push((benchmark, None));
        }
        for size in &arguments.sizes {
            let shapes = benchmark.shapes_of(size.get()).ok_or_else(|| {
                let (name, shapes) = (benchmark.name, benchmark.shapes);
                Failure::usage(format!("{name} is measured on {shapes:?} alone: leave --size out"))
            })?;
            jobs.push((benchmark, Some(shapes)));
        }
    }
    let options = arguments.local.options();
    let mut timeline = Timeline::default();
    files::check_outputs(&[arguments.timeline.as_deref()])?;
    let bar = Bar::new(quiet);
    let mut rows = Vec::with_capacity(jobs.len());
    for (done, (benchmark, shapes)) in jobs.iter().enumerate() {
        bar.count(done, jobs.len());
        rows.push(
            bench_operation(benchmark, shapes.as_deref(), &options, &mut timeline).map_err(Failure::from)?,
        );
    }
    drop(bar);
    if let Some(path) = &arguments.timeline {
        files::write(path, timeline.trace().as_bytes())?;
    }
    let text = format!("{}: offline and online, median of 5\n\n{}", setting(&options), shown(&rows));
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
