//! Aborts that have arrived.

use std::time::Instant;

use super::queue::Queue;
use super::{Inbox, State};
use crate::frame::AbortNotice;

impl Inbox {
    /// Waits for an abort by any peer that is watched.
    pub fn wait_abort(&self, until: Instant) -> Option<(usize, AbortNotice)> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let abort = state.abort(now);
            let ended = |(peer, queue): (usize, &Queue)| queue.end.is_some() || !self.clock.is_watched(peer);
            if abort.is_some() || now >= until || state.queues.iter().enumerate().all(ended) {
                return abort;
            }
            state = self.sleep(state, until, now);
        }
    }

    /// The first abort that has arrived, in order of members.
    pub fn abort(&self) -> Option<(usize, AbortNotice)> {
        self.lock().abort(Instant::now())
    }
}

impl State {
    /// The first abort that has arrived by now, in order of members.
    pub(super) fn abort(&self, now: Instant) -> Option<(usize, AbortNotice)> {
        self.queues.iter().enumerate().find_map(|(by, queue)| {
            let (at, notice) = queue.abort.as_ref()?;
            Queue::is_there(*at, now).then(|| (by, notice.clone()))
        })
    }
}
