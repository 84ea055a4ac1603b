//! The steps of a training, its tests and checkpoints.

use std::collections::BTreeMap;
use std::time::Instant;

use ndarray::ArrayD;
use tacita_graph::{Inputs, NodeId, Value};
use tacita_nn::Step;

use crate::agreement::Division;
use crate::checkpoint::{Checkpoint, expected};
use crate::data::{Own, Rows, column, targets};
use crate::graphs::{Blueprint, TestPart, labels_of, rows_of};
use crate::order::{Order, Stream};
use crate::report::{TestFigures, TrainReport};
use crate::run::{Setting, TrainProgress};
use crate::sections::Split;
use crate::trainer::Trainer;
use tacita_session::Error;
use tacita_session::Evaluation;
use tacita_session::{REPORT_VERSION, Reveal, Seconds, cpu, peak_rss_bytes};

/// A reveal: its node and its name.
type Shown = (NodeId, String);

/// A training on its way.
pub(crate) struct TrainingRun<'a, 's> {
    pub setting: Setting<'s>,
    pub blueprint: &'a Blueprint<'a>,
    pub division: &'a Division,
    pub data: &'a BTreeMap<String, Own>,
    pub order: Order,
    pub trainer: Trainer,
    pub step: Step,
    pub counts: Vec<(usize, usize)>,
    pub losses: Vec<(u64, f64)>,
    pub tests: Vec<TestFigures>,
    pub seconds: Seconds,
    pub reveals: Vec<Reveal>,
}

impl TrainingRun<'_, '_> {
    pub fn take_steps(
        &mut self,
        resumed: Option<u64>,
        progress: &mut dyn FnMut(&TrainProgress<'_>),
    ) -> Result<(TrainReport, Option<Inputs>), Error> {
        let config = self.setting.config;
        let batch = config.batch;
        let rows = self.setting.all(&self.division.train);
        let epoch = |number: f64| (number * rows as f64 / batch as f64).ceil() as u64;
        let steps = config.steps.unwrap_or_else(|| epoch(config.epochs.unwrap_or(1.0)).max(1));
        let schedule = config.schedule(steps);
        let mut streams = self.streams();
        let mut taken = Vec::new();
        self.seconds.setup = self.setting.begun.elapsed().as_secs_f64();
        while self.trainer.steps() < steps {
            let begun = Instant::now();
            let inputs = self.batch(&mut streams, self.trainer.steps());
            let pace = schedule.as_ref().map_or(1.0, |schedule| schedule.pace(self.trainer.steps() + 1));
            let evaluation = self.trainer.step_at(&inputs, pace)?;
            let step = self.trainer.steps();
            let loss = first(&evaluation);
            self.losses.extend(loss.map(|loss| (step, loss)));
            self.add(&evaluation);
            taken.push(begun.elapsed().as_secs_f64());
            let saved = !self.setting.stores.is_empty()
                && (step.is_multiple_of(config.checkpoint_every) || step == steps);
            if saved {
                self.save()?;
            }
            // the epochs that are complete now are complete since this step
            let ends_epoch = epoch((step * batch as u64 / rows as u64) as f64) == step;
            let tests = config.reveal.tests() && (step == steps || config.test_every_epoch && ends_epoch);
            if tests {
                self.test()?;
            }
            let test = self.tests.last().filter(|_| tests);
            progress(&TrainProgress { step, steps, loss, test, saved, batch });
        }
        if config.reveal.tests() && self.tests.last().is_none_or(|test| test.step != self.trainer.steps()) {
            self.test()?;
        }
        let model = self.model()?;
        taken.sort_by(f64::total_cmp);
        let cost = self.trainer.prepared().plan().cost();
        let last = self.tests.last().cloned().unwrap_or_default();
        if !config.reveal.loss.is_empty() {
            let shape = vec![taken.len()];
            self.reveals.insert(0, Reveal { value: "loss".into(), to: config.reveal.loss.clone(), shape });
        }
        self.seconds.total = self.setting.begun.elapsed().as_secs_f64();
        let session = self.trainer.session();
        let report = TrainReport {
            version: REPORT_VERSION,
            parties: session.parties().count(),
            threads: self.setting.threads,
            cpu: cpu(),
            transport: self.setting.transport.clone(),
            precision_bits: session.precision(),
            rows,
            test_rows: self.setting.all(&self.division.test),
            batch,
            steps: self.trainer.steps(),
            resumed_from: resumed,
            final_loss: self.losses.last().map(|(_, loss)| *loss),
            accuracy: last.accuracy,
            auc: last.auc,
            confusion: last.confusion,
            test_loss: last.loss,
            seconds_per_step: taken.get(taken.len() / 2).copied().unwrap_or(0.0),
            rounds_per_step: u64::from(cost.rounds),
            online_bytes_per_step: cost.online_bytes.iter().copied().max().unwrap_or(0),
            offline_bytes_per_step: cost.offline_bytes,
            seconds: self.seconds,
            peak_rss_bytes: peak_rss_bytes(),
            reveals: std::mem::take(&mut self.reveals),
            losses: std::mem::take(&mut self.losses),
            tests: std::mem::take(&mut self.tests),
        };
        Ok((report, model))
    }

    fn add(&mut self, evaluation: &Evaluation) {
        self.seconds.setup += evaluation.times.setup.as_secs_f64();
        self.seconds.offline += evaluation.times.offline.as_secs_f64();
        self.seconds.online += evaluation.times.online.as_secs_f64();
    }

    /// The rows of each owner in the order of training.
    fn streams(&self) -> Vec<Stream> {
        let config = self.setting.config;
        let each = config.data.iter().zip(&self.division.train);
        each.map(|(section, train)| {
            let what = if config.split == Split::Columns { "" } else { section.owner.as_str() };
            Stream::new(self.order, what, train.clone())
        })
        .collect()
    }

    /// The inputs of owners here for a step.
    fn batch(&self, streams: &mut [Stream], step: u64) -> Inputs {
        let mut inputs = Inputs::new();
        for &(at, count) in &self.counts {
            let section = &self.setting.config.data[at];
            if let Some(own) = self.data.get(&section.owner) {
                let rows = streams[at].take(step * count as u64, count);
                inputs.insert(rows_of(&section.owner), own.rows.features(&rows));
                if section.has_labels() {
                    let labels = targets(self.setting.config, &own.rows.labels_of(&rows));
                    inputs.insert(labels_of(&section.owner), labels);
                }
            }
        }
        inputs
    }

    /// Writes what each computing party here keeps.
    fn save(&mut self) -> Result<(), Error> {
        let expected = expected(&self.step);
        let mut kept = self.trainer.session().kept()?;
        for (party, store) in &self.setting.stores {
            let mut kept = kept.remove(party).unwrap_or_default();
            kept.retain(|name, _| expected.contains_key(name));
            let (step, order, losses) = (self.trainer.steps(), self.order.0, self.losses.clone());
            store.write(&Checkpoint { step, order, losses, kept })?;
        }
        Ok(())
    }

    /// The test rows of an owner here.
    fn test_rows(&self, owner: &str) -> Option<&Rows> {
        self.data.get(owner).map(|own| own.test.as_ref().unwrap_or(&own.rows))
    }

    fn test(&mut self) -> Result<(), Error> {
        let config = self.setting.config;
        let chunk = (4 * config.batch).clamp(64, 1024);
        let lengths: Vec<usize> = self.division.test.iter().map(Vec::len).collect();
        let parts = test_parts(config.split, &lengths, chunk);
        for (number, part) in parts.iter().enumerate() {
            let graph = self.blueprint.test(number, part)?;
            let mut inputs = Inputs::new();
            for &at in &part.owners {
                let owner = &config.data[at].owner;
                if let Some(rows) = self.test_rows(owner) {
                    inputs.insert(rows_of(owner), rows.features(&self.division.test[at][part.rows.clone()]));
                }
            }
            self.evaluate(&graph, &inputs)?;
        }
        let labelled = config.data.iter().enumerate().filter(|(_, section)| section.has_labels());
        // an owner without test rows has no label of one either
        let counts: Vec<(usize, usize)> =
            labelled.map(|(at, _)| (at, lengths[at])).filter(|(_, count)| *count > 0).collect();
        let graph = self.blueprint.figures(&parts, &counts)?;
        let mut inputs = Inputs::new();
        for &(at, _) in &counts {
            let owner = &config.data[at].owner;
            if let Some(rows) = self.test_rows(owner) {
                let labels = rows.labels_of(&self.division.test[at]);
                let is_multiple = crate::network::outputs(config) > 1;
                let labels = match is_multiple {
                    true => ArrayD::from_shape_vec(vec![labels.len()], labels).unwrap_or_default(),
                    false => column(&labels).into_dyn(),
                };
                inputs.insert(labels_of(owner), labels);
            }
        }
        let (evaluation, ids) = self.evaluate(&graph, &inputs)?;
        let tests = self.setting.all(&self.division.test);
        let mut figures = TestFigures { step: self.trainer.steps(), ..TestFigures::default() };
        for (id, name) in ids {
            let value =
                evaluation.revealed.get(&id).and_then(|values| values.first()).map(|(_, value)| value);
            let shape = value.map_or(vec![], |value| value.shape().to_vec());
            let reveals = config.reveals();
            let to = reveals.iter().find(|(value, _)| *value == name).map_or(vec![], |(_, to)| to.to_vec());
            self.reveals.push(Reveal { value: name.clone(), to, shape });
            let Some(value) = value.map(Value::to_f64) else { continue };
            match name.as_str() {
                "accuracy" => figures.accuracy = Some(value.sum() / tests as f64),
                "auc" => figures.auc = Some(value.sum()),
                "test loss" => figures.loss = Some(value.sum()),
                _ => {
                    let rows = value.outer_iter().map(|row| row.iter().map(|&count| count as u64).collect());
                    figures.confusion = Some(rows.collect());
                }
            }
        }
        self.tests.push(figures);
        Ok(())
    }

    /// Evaluates a graph; its reveals.
    fn evaluate(
        &mut self,
        graph: &tacita_graph::Graph,
        inputs: &Inputs,
    ) -> Result<(Evaluation, Vec<Shown>), Error> {
        let session = self.trainer.session();
        let prepared = session.prepare(graph)?;
        let evaluation = session.evaluate(&prepared, inputs, &mut |_| ())?;
        self.add(&evaluation);
        let graph = prepared.graph();
        let reveals = graph.reveals().into_iter().map(|id| (id, graph.node(id).name.clone()));
        Ok((evaluation, reveals.collect()))
    }

    fn model(&mut self) -> Result<Option<Inputs>, Error> {
        let to = &self.setting.config.reveal.model;
        if to.is_empty() {
            return Ok(None);
        }
        let names: Vec<&str> = to.iter().map(String::as_str).collect();
        let revealed = self.trainer.reveal(&names)?;
        for parameter in &self.step.parameters {
            let (value, shape) = (parameter.name.clone(), parameter.shape.clone());
            self.reveals.push(Reveal { value, to: to.clone(), shape });
        }
        let here = to.iter().any(|name| self.trainer.session().is_here(name));
        Ok(here.then(|| revealed.into_iter().collect()))
    }
}

/// Test rows in parts that go through the network together.
fn test_parts(split: Split, lengths: &[usize], chunk: usize) -> Vec<TestPart> {
    let ranges =
        |length: usize| (0..length.div_ceil(chunk)).map(move |at| at * chunk..((at + 1) * chunk).min(length));
    match split {
        Split::Columns => {
            let owners: Vec<usize> = (0..lengths.len()).collect();
            ranges(lengths[0]).map(|rows| TestPart { owners: owners.clone(), rows }).collect()
        }
        Split::Rows => {
            let each = lengths.iter().enumerate();
            each.flat_map(|(at, &length)| ranges(length).map(move |rows| TestPart { owners: vec![at], rows }))
                .collect()
        }
    }
}

/// The first value that a member here received: a loss.
fn first(evaluation: &Evaluation) -> Option<f64> {
    evaluation.revealed.values().next().and_then(|values| Some(values.first()?.1.to_f64().sum()))
}
