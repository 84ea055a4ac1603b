//! The batches of an inference: an evaluation each, and what they give together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ndarray::{ArrayD, Axis, Slice};
use tacita_graph::{DType, Graph, Inputs, first_not_finite};
use tacita_onnx::{Sizes, Template};
use tacita_session::{Error, Parts, Session, Timeline, check_finite};

use crate::infer::InferProgress;
use crate::totals::Totals;

/// A template at the sizes of every part.
pub(crate) struct Batches<'a> {
    parts: &'a Parts,
    /// By number of rows.
    graphs: BTreeMap<usize, Graph>,
}

/// The output of all batches, as one member received it.
pub(crate) struct Output {
    /// The values of all samples.
    pub value: ArrayD<f64>,
    /// Whether they are indices.
    pub indices: bool,
}

/// The results of all batches.
#[derive(Default)]
pub(crate) struct Outcome {
    /// The first reveal that the receiver got; none if it got none.
    pub output: Option<Output>,
    pub totals: Totals,
    pub timeline: Timeline,
}

/// Samples as the input of this name.
pub(crate) type Samples<'a> = (&'a str, &'a ArrayD<f64>);

impl<'a> Batches<'a> {
    /// The template's graphs for these parts.
    pub fn new(template: &Template, sizes: &Sizes, parts: &'a Parts) -> Result<Batches<'a>, Error> {
        let lengths: BTreeSet<usize> = parts.ranges().map(|range| range.len()).collect();
        let graph = |rows| Ok((rows, template.at(&Parts::sizes(template, sizes, rows))?));
        let graphs = lengths.into_iter().map(graph).collect::<Result<_, Error>>()?;
        Ok(Batches { parts, graphs })
    }

    /// Evaluates every batch. `receiver` is the member whose output is wanted; the first receiver of each reveal for `None`.
    pub fn evaluate(
        &self,
        session: &Session,
        mut inputs: Inputs,
        samples: Option<Samples<'_>>,
        receiver: Option<&str>,
        progress: &mut dyn FnMut(InferProgress<'_>),
    ) -> Result<Outcome, Error> {
        let mut outcome = Outcome::default();
        let mut received: Vec<ArrayD<f64>> = vec![];
        let mut which = None;
        let batches = self.parts.ranges().len();
        for (index, range) in self.parts.ranges().enumerate() {
            insert(&mut inputs, samples, range.clone());
            let begun = Instant::now();
            let prepared = session.prepare(&self.graphs[&range.len()])?;
            // planning is part of the setup of the first batch of its size
            outcome.totals.seconds.setup += begun.elapsed().as_secs_f64();
            let graph = prepared.graph();
            let names: Vec<String> = graph.ids().map(|id| graph.label(id)).collect();
            let evaluation = session.evaluate(&prepared, &inputs, &mut |p| {
                let node = names.get(p.node.index()).map_or("", String::as_str);
                progress(InferProgress { batch: index, batches, done: p.done, total: p.total, node });
            })?;
            outcome.totals.add(graph, &evaluation, range.len());
            outcome.timeline.add(&prepared, &evaluation);
            let first = graph.reveals().into_iter().enumerate().find_map(|(reveal, id)| {
                let wanted = |to: &str| receiver.is_none_or(|receiver| receiver == to);
                let values = evaluation.revealed.get(&id)?;
                let (_, value) = values.iter().find(|(to, _)| wanted(to))?;
                Some((reveal, graph.node(id).ty.dtype == DType::Int, value.to_f64()))
            });
            if let Some((reveal, indices, value)) = first {
                which = Some((reveal, indices));
                received.push(value);
            }
        }
        if let Some((reveal, indices)) = which {
            outcome.output = Some(Output { value: self.parts.join(reveal, &received)?, indices });
        }
        let seconds = &mut outcome.totals.seconds;
        seconds.total = seconds.setup + seconds.offline + seconds.online;
        Ok(outcome)
    }

    /// The template's first output in floating point, of all batches.
    pub fn plain(&self, mut inputs: Inputs, samples: Samples<'_>) -> Result<ArrayD<f64>, Error> {
        let mut outputs = vec![];
        for range in self.parts.ranges() {
            insert(&mut inputs, Some(samples), range.clone());
            let graph = &self.graphs[&range.len()];
            let first = graph.reveals().into_iter().next();
            let mut values = tacita_graph::plain(graph, &inputs)?;
            let value = first.and_then(|id| values.remove(&id));
            outputs.push(value.ok_or_else(|| Error::Usage("the model reveals nothing".into()))?);
        }
        self.parts.join(0, &outputs)
    }
}

fn insert(inputs: &mut Inputs, samples: Option<Samples<'_>>, range: std::ops::Range<usize>) {
    if let Some((name, samples)) = samples {
        let part = samples.slice_axis(Axis(0), Slice::from(range)).to_owned();
        inputs.insert(name.to_owned(), part);
    }
}

impl Output {
    /// Each sample's label.
    pub fn labels(&self) -> Vec<usize> {
        predictions(&self.value, self.indices)
    }
}

/// Each sample's label: the output itself if it is an index, or else the lowest index of its largest element.
pub(crate) fn predictions(output: &ArrayD<f64>, indices: bool) -> Vec<usize> {
    if indices {
        return output.iter().map(|&index| index as usize).collect();
    }
    let best = |row: ndarray::ArrayViewD<'_, f64>| {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.iter().position(|&logit| logit == largest).unwrap_or(0)
    };
    output.outer_iter().map(best).collect()
}

/// The share of samples whose label is right.
pub(crate) fn accuracy(predicted: &[usize], labels: &[i64]) -> f64 {
    let right = predicted.iter().zip(labels).filter(|(p, l)| **p as i64 == **l).count();
    right as f64 / labels.len().max(1) as f64
}

/// Checks that there are samples, and their shape and finiteness; returns how many there are.
pub(crate) fn check_samples(template: &Template, (name, samples): Samples<'_>) -> Result<usize, Error> {
    template.sizes_of(samples.shape(), &Sizes::new())?;
    check_finite(name, first_not_finite(samples))?;
    match samples.shape().first() {
        Some(0) | None => Err(Error::Input("there are no samples".into())),
        Some(&count) => Ok(count),
    }
}

/// Refuses labels of another number than the samples.
pub(crate) fn check_labels(labels: Option<&[i64]>, count: usize) -> Result<(), Error> {
    match labels {
        Some(labels) if labels.len() != count => {
            Err(Error::Input(format!("{} labels for {count} samples", labels.len())))
        }
        _ => Ok(()),
    }
}
