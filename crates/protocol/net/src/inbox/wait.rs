//! Waiting for a number of bytes, or for the end of a queue.

use std::time::Instant;

use super::Inbox;
use super::clock::LOOK;
use super::queue::Queue;

impl Inbox {
    /// Waits until `bytes` have arrived from a peer, its queue is full or ended, any peer aborts, or the time is
    /// over. Returns the bytes that have arrived.
    pub fn wait_arrived(&self, from: usize, bytes: usize, limit: usize, until: Instant) -> usize {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let queue = &state.queues[from];
            let arrived = queue.arrived(now);
            let over = arrived >= bytes || queue.full || arrived >= limit || now >= until;
            let pending = queue.frames.iter().filter_map(|(at, _)| *at).find(|at| *at > now);
            let ended = queue.end.is_some() && pending.is_none();
            if over || ended || state.abort(now).is_some() || self.trouble_in(&state).is_some() {
                state.waits = None;
                return arrived;
            }
            let wake = pending.map_or(until, |at| at.min(until)).min(now + LOOK);
            state.waits.get_or_insert((from, now));
            state = self.sleep(state, wake, now);
        }
    }

    /// Payload bytes that have arrived from a peer and are not consumed.
    pub fn arrived(&self, from: usize) -> usize {
        self.lock().queues[from].arrived(Instant::now())
    }

    /// Whether a peer sends no more.
    pub fn has_ended(&self, from: usize) -> bool {
        let queue = &self.lock().queues[from];
        queue.abort.as_ref().map_or(queue.end.is_some(), |(at, _)| Queue::is_there(*at, Instant::now()))
    }

    /// Waits until a peer has ended, the session fails or is aborted, or the time is over.
    pub fn wait_ended(&self, from: usize, until: Instant) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let ended = state.queues[from].end.is_some() || self.trouble_in(&state).is_some();
            if ended || now >= until || state.abort(now).is_some() {
                return;
            }
            state = self.sleep(state, until, now);
        }
    }
}
