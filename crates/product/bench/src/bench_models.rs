//! How long networks take here: two parties and a dealer, real links.

use std::time::Instant;

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_graph::{Graph, Inputs, plain};

use super::bound::{Bound, Rates};
use super::models::Architecture;
use tacita::Error;
use tacita::Options;
use tacita::Session;
use tacita::Timeline;
use tacita::Totals;
use tacita::{Report, peak_rss_bytes};

/// Evaluations after the warm-up, of which the median is taken.
pub const RUNS: usize = 5;

/// Seconds after which no further run in the clear begins.
const PLAIN_SECONDS: f64 = 2.0;

/// The measurements of a network. Costs and times are those of one batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MeasuredModel {
    /// The network.
    pub model: String,
    /// In f64 by the `plain` evaluator, single-threaded, median.
    pub plain_seconds: f64,
    /// The least and the most of `offline` and `online` together.
    pub spread: [f64; 2],
    /// Multiply-adds in products and convolutions, at all members.
    pub multiply_adds: u64,
    /// The machine's rates.
    pub rates: Rates,
    /// The evaluation's time at these rates, nothing else counted.
    pub bound: Bound,
    /// The run that is the median. Setup is that of the session; memory the process's until after the first evaluation.
    #[serde(flatten)]
    pub report: Report,
}

/// Times a network in a session of its own, and compares what it reveals with the float model. What the members did in the
/// median run is added to the timeline.
///
/// # Errors
/// If the options are none that a session can have, or the session fails.
pub fn bench_model(
    architecture: &Architecture,
    batch: usize,
    options: &Options,
    timeline: &mut Timeline,
) -> Result<MeasuredModel, Error> {
    options.check()?;
    let rates = Rates::measure(options.link)?;
    let network = architecture.network(batch)?;
    let begun = Instant::now();
    let session = Session::with_options(options.clone())?;
    let prepared = session.prepare(&network.graph)?;
    let mut setup = begun.elapsed().as_secs_f64();
    let first = session.evaluate(&prepared, &network.inputs, &mut |_| {})?;
    setup += first.times.setup.as_secs_f64();
    let peak = peak_rss_bytes();
    let mut runs = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let evaluation = session.evaluate(&prepared, &network.inputs, &mut |_| {})?;
        runs.push(((evaluation.times.offline + evaluation.times.online).as_secs_f64(), evaluation));
    }
    drop(session);
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let spread = [runs[0].0, runs[RUNS - 1].0];
    let (_, median) = &runs[RUNS / 2];
    timeline.add(&prepared, median);
    let mut totals = Totals::default();
    totals.add(prepared.graph(), median, batch);
    totals.seconds.setup = setup;
    totals.seconds.total = setup + totals.seconds.offline + totals.seconds.online;
    let mut report = totals.report(network.graph.digest(), options, (batch, batch), peak);

    let (expected, plain_seconds) = in_the_clear(prepared.graph(), &network.inputs)?;
    let revealed = median.revealed.values().flatten().next();
    let (_, revealed) = revealed.ok_or_else(|| Error::Internal("nothing was revealed".into()))?;
    let error = (revealed.to_f64() - &expected).mapv(f64::abs);
    report.max_abs_error = Some(error.iter().copied().fold(0.0, f64::max));
    report.mean_abs_error = error.mean();
    Ok(MeasuredModel {
        model: architecture.name.to_owned(),
        plain_seconds,
        spread,
        multiply_adds: prepared.plan().multiply_adds(),
        rates,
        bound: rates.bound(prepared.plan(), options),
        report,
    })
}

/// The value of the only reveal, and the median of its seconds.
fn in_the_clear(graph: &Graph, inputs: &Inputs) -> Result<(ArrayD<f64>, f64), Error> {
    let mut times: Vec<f64> = Vec::new();
    loop {
        let begun = Instant::now();
        let values = plain(graph, inputs)?;
        times.push(begun.elapsed().as_secs_f64());
        if times.len() == RUNS || times.iter().sum::<f64>() > PLAIN_SECONDS {
            times.sort_by(f64::total_cmp);
            let value = values.into_values().next();
            let value = value.ok_or_else(|| Error::Internal("the network reveals nothing".into()))?;
            return Ok((value, times[times.len() / 2]));
        }
    }
}
