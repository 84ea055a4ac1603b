//! Private inference in batches, compared with the float model.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ndarray::{ArrayD, Axis, Slice};
use tacita_graph::{Graph, NodeId, Op};
use tacita_identity::hex;
use tacita_onnx::{Sizes, Template};

use crate::error::Error;
use crate::options::Options;
use crate::parts::Parts;
use crate::report::{NodeReport, REPORT_VERSION, Report, Reveal, Seconds, cpu, peak_rss_bytes};
use crate::session::Session;
use crate::timeline::Timeline;

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

/// What an inference gave.
pub struct Inference {
    /// The first output, as its first receiver got it, all samples.
    pub output: ArrayD<f64>,
    /// The same in the clear.
    pub plain: ArrayD<f64>,
    /// What it cost.
    pub report: Report,
    /// What the members did when.
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
    let count = check_samples(model, samples)?;
    if parts.rows() != count {
        return Err(Error::Usage(format!("parts of {} rows for {count} samples", parts.rows())));
    }
    let batch = parts.batch();
    if let Some(labels) = labels
        && labels.len() != count
    {
        return Err(Error::Input(format!("{} labels for {count} samples", labels.len())));
    }
    let graphs = graphs(&model.template, sizes, parts)?;
    let begun = Instant::now();
    let mut session = Session::with_options(options.clone())?;
    let mut seconds = Seconds { setup: begun.elapsed().as_secs_f64(), ..Seconds::default() };
    let mut inputs = model.parameters.clone();
    let (mut outputs, mut plains): (Vec<ArrayD<f64>>, Vec<ArrayD<f64>>) = (vec![], vec![]);
    let (mut totals, mut timeline) = (Totals::default(), Timeline::default());
    let batches = parts.ranges().len();
    for (index, range) in parts.ranges().enumerate() {
        let part = samples.slice_axis(Axis(0), Slice::from(range.clone())).to_owned();
        inputs.insert(model.input.clone(), part);
        let begun = Instant::now();
        let prepared = session.prepare(&graphs[&range.len()])?;
        // planning is part of the setup of the first batch of its size
        seconds.setup += begun.elapsed().as_secs_f64();
        let names: Vec<String> = prepared.graph().ids().map(|id| prepared.graph().label(id)).collect();
        let evaluation = session.evaluate(&prepared, &inputs, &mut |p| {
            let node = names.get(p.node.index()).map_or("", String::as_str);
            progress(InferProgress { batch: index, batches, done: p.done, total: p.total, node });
        })?;
        seconds.setup += evaluation.times.setup.as_secs_f64();
        seconds.offline += evaluation.times.offline.as_secs_f64();
        seconds.online += evaluation.times.online.as_secs_f64();
        let graph = prepared.graph();
        let first = graph.reveals().into_iter().next();
        let first = first.ok_or_else(|| Error::Usage("the model reveals nothing".into()))?;
        totals.add(graph, &evaluation, range.len());
        timeline.add(&prepared, &evaluation);
        let value = evaluation.revealed.get(&first).and_then(|values| values.first());
        let (_, value) = value.ok_or_else(|| Error::Internal("nothing was revealed".into()))?;
        outputs.push(value.clone());
    }
    let peak_rss_bytes = peak_rss_bytes();
    seconds.total = seconds.setup + seconds.offline + seconds.online;
    drop(session);
    for range in parts.ranges() {
        let part = samples.slice_axis(Axis(0), Slice::from(range.clone())).to_owned();
        inputs.insert(model.input.clone(), part);
        plains.push(plain(&graphs[&range.len()], &inputs)?);
    }
    let (output, plain) = (parts.join(0, &outputs)?, parts.join(0, &plains)?);
    let error = (&output - &plain).mapv(f64::abs);
    let agreement = |a: &[usize], b: &[usize]| {
        a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / a.len().max(1) as f64
    };
    let (private_label, plain_label) = (predictions(&output, argmax), predictions(&plain, argmax));
    let correct = |predicted: &[usize]| {
        labels.map(|labels| {
            let right = predicted.iter().zip(labels).filter(|(p, l)| **p as i64 == **l).count();
            right as f64 / count as f64
        })
    };
    // what is drawn differs, and so the two do
    let compares = !argmax && model.template.example().nodes().iter().all(|node| node.op.draw().is_none());
    let report = Report {
        max_abs_error: compares.then(|| error.iter().copied().fold(0.0, f64::max)),
        mean_abs_error: compares.then(|| error.mean().unwrap_or(0.0)),
        argmax_agreement: argmax.then(|| agreement(&private_label, &plain_label)),
        accuracy: correct(&private_label),
        accuracy_plain: correct(&plain_label),
        notes: model.notes.clone(),
        ..totals.report(model.template.digest(), options, (count, batch), seconds, peak_rss_bytes)
    };
    Ok(Inference { output, plain, report, timeline })
}

/// The graphs of all parts, by their number of rows.
pub(crate) fn graphs(
    template: &Template,
    sizes: &Sizes,
    parts: &Parts,
) -> Result<BTreeMap<usize, Graph>, Error> {
    let lengths: BTreeSet<usize> = parts.ranges().map(|range| range.len()).collect();
    let graph = |rows| Ok((rows, template.at(&Parts::sizes(template, sizes, rows))?));
    lengths.into_iter().map(graph).collect()
}

/// The model's first output in the clear, of one batch.
fn plain(graph: &Graph, inputs: &tacita_graph::Inputs) -> Result<ArrayD<f64>, Error> {
    let first = graph.reveals().into_iter().next();
    let mut values = tacita_graph::plain(graph, inputs)?;
    first.and_then(|id| values.remove(&id)).ok_or_else(|| Error::Usage("the model reveals nothing".into()))
}

/// The label that each sample's output says.
pub(crate) fn predictions(output: &ArrayD<f64>, argmax: bool) -> Vec<usize> {
    if argmax {
        return output.iter().map(|&index| index as usize).collect();
    }
    let best = |row: ndarray::ArrayViewD<'_, f64>| {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.iter().position(|&logit| logit == largest).unwrap_or(0)
    };
    output.outer_iter().map(best).collect()
}

/// Checks shape and finiteness; returns the number of samples.
pub(crate) fn check_samples(model: &tacita_onnx::Model, samples: &ArrayD<f64>) -> Result<usize, Error> {
    model.template.sizes_of(samples.shape(), &Sizes::new())?;
    crate::session::check_finite(&model.input, samples)?;
    match samples.shape().first() {
        Some(0) | None => Err(Error::Input("there are no samples".into())),
        Some(&count) => Ok(count),
    }
}

/// Sums over batches.
#[derive(Default)]
pub(crate) struct Totals {
    pub rounds: u64,
    pub online: Vec<u64>,
    pub offline: u64,
    pub setup: Vec<u64>,
    pub wire: u64,
    pub nodes: BTreeMap<NodeId, NodeReport>,
    pub reveals: Vec<Reveal>,
}

impl Totals {
    /// The report of a computation of this digest, as far as costs and times go: nothing is compared yet. `samples` in all and of a batch.
    pub fn report(
        self,
        digest: [u8; 32],
        options: &Options,
        (samples, batch): (usize, usize),
        seconds: Seconds,
        peak_rss_bytes: u64,
    ) -> Report {
        Report {
            version: REPORT_VERSION,
            graph_digest: hex(&digest),
            parties: options.parties,
            threads: options.threads,
            dealer_threads: Some(options.dealer_threads),
            cpu: cpu(),
            transport: options.link.to_string(),
            precision_bits: options.precision,
            range_bits: options.range_bits(),
            samples,
            batch,
            rounds: self.rounds,
            online_bytes_per_party: self.online.iter().copied().max().unwrap_or(0),
            wire_bytes: self.wire,
            offline_bytes: self.offline,
            setup_bytes_per_party: self.setup.iter().copied().max().unwrap_or(0),
            seconds,
            peak_rss_bytes,
            max_abs_error: None,
            mean_abs_error: None,
            argmax_agreement: None,
            accuracy: None,
            accuracy_plain: None,
            reveals: self.reveals,
            nodes: self.nodes.into_values().collect(),
            notes: vec![],
        }
    }

    pub fn add(&mut self, graph: &Graph, evaluation: &crate::Evaluation, samples: usize) {
        let cost = &evaluation.cost;
        self.rounds += u64::from(cost.rounds);
        self.offline += cost.offline_bytes;
        self.wire += evaluation.wire_bytes;
        self.online.resize(cost.online_bytes.len(), 0);
        self.online.iter_mut().zip(&cost.online_bytes).for_each(|(sum, part)| *sum += part);
        // weights are opened once a session, and a plan that stands for members elsewhere says so every time
        self.setup.resize(cost.setup_bytes.len(), 0);
        self.setup.iter_mut().zip(&cost.setup_bytes).for_each(|(all, part)| *all = (*all).max(*part));
        for measure in &evaluation.nodes {
            let id = measure.cost.node;
            let entry = self.nodes.entry(id).or_insert_with(|| NodeReport {
                name: graph.label(id),
                op: graph.node(id).op.name().to_owned(),
                rounds: 0,
                online_bytes: 0,
                offline_bytes: 0,
                seconds: 0.0,
            });
            entry.rounds += u64::from(measure.cost.rounds);
            entry.online_bytes += measure.cost.online_bytes.iter().copied().max().unwrap_or(0);
            entry.offline_bytes += measure.cost.offline_bytes;
            entry.seconds += measure.seconds;
        }
        for (index, id) in graph.reveals().into_iter().enumerate() {
            let node = graph.node(id);
            let Op::Reveal(to) = &node.op else { continue };
            let shape = node.ty.shape.clone();
            if let Some(reveal) = self.reveals.get_mut(index) {
                if let Some(first) = reveal.shape.first_mut() {
                    *first += shape.first().copied().unwrap_or(samples);
                }
            } else {
                self.reveals.push(Reveal {
                    value: graph.label(id),
                    to: to.to.iter().map(|to| graph.owners()[to.0 as usize].clone()).collect(),
                    shape,
                });
            }
        }
    }
}
