//! Timelines of members, to look at.

use std::time::Instant;

use serde_json::{Value, json};
use tacita_mpc::Doing;
use tacita_program::RingId;

use crate::evaluation::Evaluation;
use crate::prepared::Prepared;

/// The timelines of all members of a process over successive evaluations.
#[derive(Default)]
pub struct Timeline {
    members: Vec<String>,
    begun: Option<Instant>,
    events: Vec<Value>,
}

impl Timeline {
    /// Adds an evaluation.
    pub fn add(&mut self, prepared: &Prepared, evaluation: &Evaluation) {
        let begins = evaluation.timeline.iter().flat_map(|(_, spans)| spans).map(|span| span.from);
        let Some(earliest) = begins.min() else { return };
        let begun = *self.begun.get_or_insert(earliest);
        let name = |id: RingId| prepared.graph().label(prepared.plan().program().node(id).origin);
        let operation = |id: RingId| prepared.plan().program().node(id).op.name();
        for (member, spans) in &evaluation.timeline {
            let thread = self.members.iter().position(|known| known == member).unwrap_or_else(|| {
                self.members.push(member.clone());
                self.members.len() - 1
            });
            for span in spans {
                let (what, kind, ring) = match span.doing {
                    Doing::Setup => ("setup".to_owned(), "setup", None),
                    Doing::Prepare(id) => (name(id), "prepare", Some(operation(id))),
                    Doing::Correction(id) => (name(id), "wait for the dealer", Some(operation(id))),
                    Doing::Compute(id) => (name(id), "compute", Some(operation(id))),
                    Doing::Deal(id) => (name(id), "deal", Some(operation(id))),
                    Doing::Round(round) => (format!("round {round}"), "wait for openings", None),
                };
                let micros = |from: Instant, to: Instant| to.duration_since(from).as_nanos() as f64 / 1e3;
                self.events.push(json!({
                    "ph": "X", "pid": 1, "tid": thread, "name": what, "cat": kind,
                    "ts": micros(begun, span.from), "dur": micros(span.from, span.to),
                    "args": { "what": kind, "operation": ring },
                }));
            }
        }
    }

    /// As JSON in the trace event format, which Perfetto (<https://ui.perfetto.dev>) and browsers show: a row for each member.
    pub fn trace(&self) -> String {
        let names = self.members.iter().enumerate().map(|(thread, name)| {
            json!({ "ph": "M", "pid": 1, "tid": thread, "name": "thread_name", "args": { "name": name } })
        });
        let events: Vec<Value> = names.chain(self.events.iter().cloned()).collect();
        json!({ "displayTimeUnit": "ms", "traceEvents": events }).to_string()
    }
}
