//! Totals over the evaluations of a run.

use std::collections::BTreeMap;

use tacita_graph::{Graph, NodeId};
use tacita_identity::hex;
use tacita_session::{Evaluation, NodeReport, Options, REPORT_VERSION, Report, Reveal, Seconds, cpu};

/// Totals over the evaluations of a run: a batch each.
#[derive(Default)]
pub struct Totals {
    /// Rounds of the online phase.
    pub rounds: u64,
    /// Payload bytes that each member sent online.
    pub online: Vec<u64>,
    /// Payload bytes that the dealer sent.
    pub offline: u64,
    /// Payload bytes that each member sent to open its weights, once a session.
    pub setup: Vec<u64>,
    /// Bytes on the links online, framing and encryption included.
    pub wire: u64,
    /// By node.
    pub nodes: BTreeMap<NodeId, NodeReport>,
    /// All that anyone learned.
    pub reveals: Vec<Reveal>,
    /// Wall times.
    pub seconds: Seconds,
}

impl Totals {
    /// The report of a computation of this digest, as far as costs and times go: nothing is compared yet. `samples` in all and of a batch.
    pub fn report(
        self,
        digest: [u8; 32],
        options: &Options,
        (samples, batch): (usize, usize),
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
            seconds: self.seconds,
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

    /// Adds an evaluation of `samples` samples.
    pub fn add(&mut self, graph: &Graph, evaluation: &Evaluation, samples: usize) {
        let (cost, times) = (&evaluation.cost, &evaluation.times);
        self.seconds.setup += times.setup.as_secs_f64();
        self.seconds.offline += times.offline.as_secs_f64();
        self.seconds.online += times.online.as_secs_f64();
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
        for (index, reveal) in Reveal::all(graph).into_iter().enumerate() {
            match self.reveals.get_mut(index) {
                Some(all) => {
                    if let Some(first) = all.shape.first_mut() {
                        *first += reveal.shape.first().copied().unwrap_or(samples);
                    }
                }
                None => self.reveals.push(reveal),
            }
        }
    }
}
