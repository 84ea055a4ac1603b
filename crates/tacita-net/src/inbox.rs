//! What has arrived at a member from each of its peers and is not consumed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::frame::{AbortNotice, Frame, FrameHeader, FrameKind};
use crate::link::Room;

/// How long a receiver looks for a frame before it sleeps. Waking a thread takes longer than a peer that computes
/// in step needs to answer; much more than this takes the core from who has work.
const SPIN: Duration = Duration::from_micros(30);

/// One queue a peer. Links put frames in, the member takes them out.
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// Something arrived, or a queue ended.
    arrived: Condvar,
    /// Counts what would wake on `arrived`, to be watched without the lock.
    arrivals: AtomicU64,
    /// Something was consumed, or a queue ended.
    room: Condvar,
}

struct State {
    queues: Vec<Queue>,
    /// Whether the member waits on `arrived`, so that nobody wakes without need.
    receiving: bool,
    /// How many links wait on `room`.
    waiting_for_room: usize,
    /// The member is gone.
    gone: bool,
}

#[derive(Default)]
struct Queue {
    /// Frames and when they are there; `None` is at once.
    frames: VecDeque<(Option<Instant>, Frame)>,
    /// Bytes of all their payloads.
    payload: usize,
    /// A link that holds back a frame for which there is no room.
    full: bool,
    abort: Option<(Option<Instant>, AbortNotice)>,
    end: Option<End>,
}

/// Why nothing more comes from a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// It closed its end.
    Closed,
    /// Its connection ended in the middle of a frame.
    Cut(String),
    /// It sent a frame longer than the limit.
    TooLong { length: u64, limit: u64 },
    /// It sent what is no frame.
    Malformed(String),
}

/// What waiting for a frame can bring.
pub(crate) enum Arrival {
    Frame(Frame),
    /// The peer of this index stopped the session.
    Abort(usize, AbortNotice),
    End(End),
    Timeout,
}

impl Queue {
    /// Bytes that the queue holds, with a header for each frame so that empty ones are not free.
    fn held(&self) -> usize {
        self.payload + self.frames.len() * FrameHeader::BYTES
    }

    fn is_there(at: Option<Instant>, now: Instant) -> bool {
        at.is_none_or(|at| at <= now)
    }

    /// Payload bytes of the frames that are there.
    fn arrived(&self, now: Instant) -> usize {
        match self.frames.back() {
            Some((last, _)) if !Self::is_there(*last, now) => {
                let there = self.frames.iter().take_while(|(at, _)| Self::is_there(*at, now));
                there.map(|(_, frame)| frame.payload.len()).sum()
            }
            _ => self.payload,
        }
    }
}

impl Inbox {
    pub fn new(members: usize) -> Self {
        let queues = (0..members).map(|_| Queue::default()).collect();
        let state = State { queues, receiving: false, waiting_for_room: 0, gone: false };
        Self {
            state: Mutex::new(state),
            arrived: Condvar::new(),
            arrivals: AtomicU64::new(0),
            room: Condvar::new(),
        }
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

    /// Adds a frame from a peer, there at a given time. An abort goes past everything else.
    /// False if the member is gone or the queue has ended.
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

    /// Says that nothing more comes from a peer.
    pub fn end(&self, from: usize, end: End) {
        let mut state = self.lock();
        state.queues[from].end.get_or_insert(end);
        if state.waiting_for_room > 0 {
            self.room.notify_all();
        }
        self.wake_receiver(state);
    }

    fn wake_receiver(&self, state: MutexGuard<'_, State>) {
        self.arrivals.fetch_add(1, Ordering::Relaxed);
        let receiving = state.receiving;
        drop(state);
        if receiving {
            self.arrived.notify_one();
        }
    }

    /// Waits until the queue holds no more than `ahead` bytes, or the time is over.
    pub fn wait_room(&self, from: usize, ahead: usize, until: Instant) -> Room {
        self.wait_held(from, until, |held| held <= ahead)
    }

    /// Waits for room for one more frame of so many bytes, for as long as it takes; an empty queue has room for
    /// any. The member is told that the queue is full. False if the member is gone.
    pub fn wait_admission(&self, from: usize, bytes: usize, limit: usize) -> bool {
        let admits = |held: usize| held == 0 || held.saturating_add(bytes) <= limit;
        let mut room = self.wait_held(from, Instant::now(), admits);
        if room == Room::No {
            self.set_full(from, true);
            while room == Room::No {
                room = self.wait_held(from, Instant::now() + Duration::from_secs(60), admits);
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

    fn wait_held(&self, from: usize, until: Instant, admits: impl Fn(usize) -> bool) -> Room {
        let mut state = self.lock();
        loop {
            if state.gone || state.queues[from].end.is_some() {
                return Room::Gone;
            }
            if admits(state.queues[from].held()) {
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

    /// Takes the next frame from a peer. While there is none, an abort by anyone is what comes.
    pub fn take(&self, from: usize, until: Instant) -> Arrival {
        let spin = Instant::now() + SPIN;
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let queue = &mut state.queues[from];
            let mut wake = until;
            match queue.frames.front() {
                Some((at, _)) if Queue::is_there(*at, now) => {
                    let Some((_, frame)) = queue.frames.pop_front() else { unreachable!("there is a front") };
                    queue.payload -= frame.payload.len();
                    if state.waiting_for_room > 0 {
                        self.room.notify_all();
                    }
                    return Arrival::Frame(frame);
                }
                Some((Some(at), _)) => wake = wake.min(*at),
                _ => {}
            }
            if let Some((by, notice)) = Self::abort_in(&state, now) {
                return Arrival::Abort(by, notice);
            }
            let queue = &state.queues[from];
            if queue.frames.is_empty()
                && queue.abort.is_none()
                && let Some(end) = &queue.end
            {
                return Arrival::End(end.clone());
            }
            if now >= until {
                return Arrival::Timeout;
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
            state.receiving = true;
            state = Self::wait(&self.arrived, state, wake, now);
            state.receiving = false;
        }
    }

    /// Waits until `bytes` have arrived from a peer, its queue is full or ended, anyone aborts, or the time is
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
            if over || ended || Self::abort_in(&state, now).is_some() {
                return arrived;
            }
            let wake = pending.map_or(until, |at| at.min(until));
            state.receiving = true;
            state = Self::wait(&self.arrived, state, wake, now);
            state.receiving = false;
        }
    }

    /// Payload bytes that have arrived from a peer and are not consumed.
    pub fn arrived(&self, from: usize) -> usize {
        self.lock().queues[from].arrived(Instant::now())
    }

    /// Whether nothing more comes from a peer.
    pub fn has_ended(&self, from: usize) -> bool {
        let queue = &self.lock().queues[from];
        queue.abort.as_ref().map_or(queue.end.is_some(), |(at, _)| Queue::is_there(*at, Instant::now()))
    }

    /// The first abort that has arrived, in order of members.
    pub fn abort(&self) -> Option<(usize, AbortNotice)> {
        Self::abort_in(&self.lock(), Instant::now())
    }

    fn abort_in(state: &State, now: Instant) -> Option<(usize, AbortNotice)> {
        state.queues.iter().enumerate().find_map(|(by, queue)| {
            let (at, notice) = queue.abort.as_ref()?;
            Queue::is_there(*at, now).then(|| (by, notice.clone()))
        })
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
}
