//! Taking the next frame from a peer.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Inbox;
use super::arrival::Arrival;
use super::clock::LOOK;
use super::queue::Queue;

/// How long a receiver looks for a frame before it sleeps. Waking a thread takes longer than the answer of a peer that
/// computes in step; a much longer time would take the core from threads that have work.
const SPIN: Duration = Duration::from_micros(30);

impl Inbox {
    /// Takes the next frame from a peer. While there is none, an abort or a failure of any peer ends the wait.
    pub fn take(&self, from: usize, until: Instant) -> Arrival {
        let spin = Instant::now() + SPIN;
        let mut state = self.lock();
        let arrival = loop {
            let now = Instant::now();
            let queue = &mut state.queues[from];
            let mut wake = until.min(now + LOOK);
            match queue.frames.front() {
                Some((at, _)) if Queue::is_there(*at, now) => {
                    let Some((_, frame)) = queue.frames.pop_front() else { unreachable!("there is a front") };
                    queue.payload -= frame.payload.len();
                    if state.waiting_for_room > 0 {
                        self.room.notify_all();
                    }
                    break Arrival::Frame(frame);
                }
                Some((Some(at), _)) => wake = wake.min(*at),
                _ => {}
            }
            if let Some((by, notice)) = state.abort(now) {
                break Arrival::Abort(by, notice);
            }
            let queue = &state.queues[from];
            if queue.frames.is_empty()
                && queue.abort.is_none()
                && let Some(end) = &queue.end
            {
                break Arrival::End(end.clone());
            }
            if queue.frames.is_empty()
                && let Some(trouble) = self.trouble_in(&state)
            {
                break Arrival::Trouble(trouble);
            }
            if now >= until {
                break Arrival::Timeout;
            }
            for at in state.queues.iter().filter_map(|queue| queue.abort.as_ref()?.0) {
                wake = wake.min(at);
            }
            if now < spin.min(until) {
                let seen = self.arrivals.load(Ordering::Relaxed);
                drop(state);
                while self.arrivals.load(Ordering::Relaxed) == seen && Instant::now() < spin {
                    std::hint::spin_loop();
                }
                state = self.lock();
                continue;
            }
            state.waits.get_or_insert((from, now));
            state = self.sleep(state, wake, now);
        };
        state.waits = None;
        arrival
    }
}
