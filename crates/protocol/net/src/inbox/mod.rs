//! The frames that have arrived at a member from each of its peers and are not consumed.

mod abort;
mod arrival;
mod clock;
mod liveness;
mod place;
mod queue;
mod room;
mod take;
mod wait;

pub(crate) use arrival::{Arrival, Trouble};
pub(crate) use clock::Heard;
pub(crate) use queue::End;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clock::Clock;
use queue::Queue;

use crate::buffers::Buffers;
use crate::frame::{AbortNotice, Frame, FrameKind, Place};

/// One queue for each peer. Links put frames in, and the member takes them out.
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// Something arrived, or a queue ended.
    arrived: Condvar,
    /// Counts the notices of `arrived`, for a receiver that watches without the lock.
    arrivals: AtomicU64,
    /// Something was consumed, or a queue ended.
    room: Condvar,
    clock: Arc<Clock>,
    /// A peer that is silent for longer has failed.
    silence: Duration,
    /// Buffers for received payloads.
    pub buffers: Arc<Buffers>,
}

struct State {
    queues: Vec<Queue>,
    /// Whether the member waits on `arrived`; if not, no notice is sent.
    receiving: bool,
    /// How many links wait on `room`.
    waiting_for_room: usize,
    /// The member is gone.
    gone: bool,
    /// The reason why this member was told to stop.
    interrupted: Option<String>,
    /// Where this member is, for its heartbeats, without the peer that it waits for.
    place: Place,
    /// The peer that this member waits for, and since when.
    waits: Option<(usize, Instant)>,
}

impl Inbox {
    pub fn new(members: usize, silence: Duration) -> Self {
        let state = State {
            queues: (0..members).map(|_| Queue::default()).collect(),
            receiving: false,
            waiting_for_room: 0,
            gone: false,
            interrupted: None,
            place: Place::default(),
            waits: None,
        };
        Self {
            state: Mutex::new(state),
            arrived: Condvar::new(),
            arrivals: AtomicU64::new(0),
            room: Condvar::new(),
            clock: Arc::new(Clock::new(members)),
            silence,
            buffers: Arc::default(),
        }
    }

    /// Adds a frame from a peer that arrives at a given time. An abort overtakes every other frame.
    /// Returns false if the member is gone or the queue has ended.
    pub fn put(&self, from: usize, at: Option<Instant>, frame: Frame) -> bool {
        let mut state = self.lock();
        if state.gone || state.queues[from].end.is_some() {
            return false;
        }
        let queue = &mut state.queues[from];
        if frame.header.kind == FrameKind::Abort {
            queue.abort.get_or_insert((at, AbortNotice::from_payload(&frame.payload)));
        } else {
            queue.payload += frame.payload.len();
            queue.frames.push_back((at, frame));
        }
        self.wake_receiver(state);
        true
    }

    /// Notes that a peer sends no more.
    pub fn end(&self, from: usize, end: End) {
        let mut state = self.lock();
        state.queues[from].end.get_or_insert(end);
        if state.waiting_for_room > 0 {
            self.room.notify_all();
        }
        self.wake_receiver(state);
    }

    /// Ends this member's waits, now and later.
    pub fn interrupt(&self, cause: &str) {
        let mut state = self.lock();
        state.interrupted.get_or_insert_with(|| cause.to_owned());
        self.wake_receiver(state);
    }

    /// Drops everything: the member is gone.
    pub fn close(&self) {
        let mut state = self.lock();
        state.gone = true;
        for queue in &mut state.queues {
            queue.frames.clear();
            queue.payload = 0;
        }
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        condvar: &Condvar,
        state: MutexGuard<'a, State>,
        until: Instant,
        now: Instant,
    ) -> MutexGuard<'a, State> {
        condvar
            .wait_timeout(state, until.saturating_duration_since(now))
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Sleeps until something arrives, or the time is over.
    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        until: Instant,
        now: Instant,
    ) -> MutexGuard<'a, State> {
        state.receiving = true;
        let mut state = Self::wait(&self.arrived, state, until, now);
        state.receiving = false;
        state
    }

    fn wake_receiver(&self, state: MutexGuard<'_, State>) {
        self.arrivals.fetch_add(1, Ordering::Relaxed);
        let receiving = state.receiving;
        drop(state);
        if receiving {
            self.arrived.notify_one();
        }
    }
}
