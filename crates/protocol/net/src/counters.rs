//! Counters for a recorder of the `metrics` crate. Without a recorder they have no effect.

use metrics::{Counter, Gauge, counter, gauge};

use crate::Phase;

/// Labels of the phases, in the order of [`Phase`].
const PHASES: [&str; 3] = ["setup", "offline", "online"];

/// Counters of one peer, looked up once.
pub(crate) struct Counters {
    sent: [Counter; 3],
    received: [Counter; 3],
    waited: Gauge,
}

impl Counters {
    /// For a peer of this name.
    pub fn new(peer: &str) -> Counters {
        let by_phase = |name: &'static str| {
            PHASES.map(|phase| counter!(name, "peer" => peer.to_owned(), "phase" => phase))
        };
        Counters {
            sent: by_phase("tacita_sent_bytes_total"),
            received: by_phase("tacita_received_bytes_total"),
            waited: gauge!("tacita_wait_seconds_total", "peer" => peer.to_owned()),
        }
    }

    pub fn sent(&self, phase: Phase, payload: usize) {
        self.sent[phase as usize].increment(payload as u64);
    }

    pub fn received(&self, phase: Phase, payload: usize) {
        self.received[phase as usize].increment(payload as u64);
    }

    pub fn waited(&self, seconds: f64) {
        self.waited.increment(seconds);
    }
}
