//! Room in a queue, for which links wait.

use std::time::{Duration, Instant};

use super::Inbox;
use super::queue::Queue;
use crate::link::Room;

impl Inbox {
    /// Waits until no more than `ahead` bytes of payload are in the queue, or the time is over. A plan counts
    /// payload only: a member that may be so far ahead must not stop before the other side has all the bytes it needs.
    pub fn wait_room(&self, from: usize, ahead: usize, until: Instant) -> Room {
        self.wait_queue(from, until, |queue| queue.payload <= ahead)
    }

    /// Waits for room for one more frame with so many bytes of payload, for as long as it takes; an empty queue has room
    /// for any. Meanwhile the queue is marked as full. Returns false if the member is gone.
    pub fn wait_admission(&self, from: usize, payload: usize, limit: usize) -> bool {
        let admits = |queue: &Queue| queue.admits(payload, limit);
        let mut room = self.wait_queue(from, Instant::now(), admits);
        if room == Room::No {
            self.set_full(from, true);
            while room == Room::No {
                room = self.wait_queue(from, Instant::now() + Duration::from_secs(60), admits);
            }
            self.set_full(from, false);
        }
        room == Room::Yes
    }

    fn set_full(&self, from: usize, full: bool) {
        let mut state = self.lock();
        state.queues[from].full = full;
        self.wake_receiver(state);
    }

    /// Whether a frame would find room now.
    pub fn has_room(&self, from: usize, payload: usize, limit: usize) -> bool {
        self.lock().queues[from].admits(payload, limit)
    }

    fn wait_queue(&self, from: usize, until: Instant, admits: impl Fn(&Queue) -> bool) -> Room {
        let mut state = self.lock();
        loop {
            if state.gone || state.queues[from].end.is_some() {
                return Room::Gone;
            }
            if admits(&state.queues[from]) {
                return Room::Yes;
            }
            let now = Instant::now();
            if now >= until {
                return Room::No;
            }
            state.waiting_for_room += 1;
            state = Self::wait(&self.room, state, until, now);
            state.waiting_for_room -= 1;
        }
    }
}
