//! Private inference in batches, compared with the float model.

use std::time::Instant;

use ndarray::ArrayD;
use tacita_onnx::Sizes;
use tacita_session::{Error, Options, Parts, Report, Session, Timeline, peak_rss_bytes};

use crate::batches::{Batches, Outcome, accuracy, check_labels, check_samples, predictions};

/// How far an inference is.
#[derive(Clone, Debug, PartialEq)]
pub struct InferProgress<'a> {
    /// Batches done.
    pub batch: usize,
    /// Batches in all.
    pub batches: usize,
    /// Steps of this batch done.
    pub done: usize,
    /// Steps of this batch.
    pub total: usize,
    /// The node that was last worked on.
    pub node: &'a str,
}

/// The result of an inference.
pub struct Inference {
    /// The first output, as its first receiver got it, all samples.
    pub output: ArrayD<f64>,
    /// The same in the clear.
    pub plain: ArrayD<f64>,
    /// Its costs.
    pub report: Report,
    /// The members' timelines.
    pub timeline: Timeline,
}

/// Runs a model on samples (first axis the batch), in these parts, and in the clear to compare. `sizes` are the model's open
/// sizes but the batch.
///
/// `argmax` says that the model's output is an index. `labels` are compared with the output's argmax.
///
/// # Errors
/// If the samples do not fit the model, a value is out of range, or the session fails.
pub fn infer(
    model: &tacita_onnx::Model,
    samples: &ArrayD<f64>,
    labels: Option<&[i64]>,
    (sizes, parts): (&Sizes, &Parts),
    argmax: bool,
    options: &Options,
    progress: &mut dyn FnMut(InferProgress<'_>),
) -> Result<Inference, Error> {
    options.check()?;
    let input = (model.input.as_str(), samples);
    let count = check_samples(&model.template, input)?;
    if parts.rows() != count {
        return Err(Error::Usage(format!("parts of {} rows for {count} samples", parts.rows())));
    }
    check_labels(labels, count)?;
    let batches = Batches::new(&model.template, sizes, parts)?;
    let begun = Instant::now();
    let session = Session::with_options(options.clone())?;
    let opening = begun.elapsed().as_secs_f64();
    let outcome = batches.evaluate(&session, model.parameters.clone(), Some(input), None, progress)?;
    let peak_rss_bytes = peak_rss_bytes();
    drop(session);
    let Outcome { output, mut totals, timeline } = outcome;
    totals.seconds.setup += opening;
    totals.seconds.total += opening;
    let private = output.ok_or_else(|| Error::Usage("the model reveals nothing".into()))?;
    let plain = batches.plain(model.parameters.clone(), input)?;
    let error = (&private.value - &plain).mapv(f64::abs);
    let (private_labels, plain_labels) = (private.labels(), predictions(&plain, private.indices));
    let agree = private_labels.iter().zip(&plain_labels).filter(|(a, b)| a == b).count();
    // random draws differ, and so do the results
    let compares = !argmax && model.template.example().nodes().iter().all(|node| node.op.draw().is_none());
    let report = Report {
        max_abs_error: compares.then(|| error.iter().copied().fold(0.0, f64::max)),
        mean_abs_error: compares.then(|| error.mean().unwrap_or(0.0)),
        argmax_agreement: argmax.then(|| agree as f64 / private_labels.len().max(1) as f64),
        accuracy: labels.map(|labels| accuracy(&private_labels, labels)),
        accuracy_plain: labels.map(|labels| accuracy(&plain_labels, labels)),
        notes: model.notes.clone(),
        ..totals.report(model.template.digest(), options, (count, parts.batch()), peak_rss_bytes)
    };
    Ok(Inference { output: private.value, plain, report, timeline })
}
