//! What has arrived at a member from each of its peers and is not consumed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::buffers::Buffers;
use crate::frame::{AbortNotice, Frame, FrameKind, Place};
use crate::link::Room;

/// How long a receiver looks for a frame before it sleeps. Waking a thread takes longer than a peer that computes
/// in step needs to answer; much more than this takes the core from who has work.
const SPIN: Duration = Duration::from_micros(30);

/// A member that waits looks this often whether its peers are alive.
const LOOK: Duration = Duration::from_millis(500);
/// If so much more than that passes between two looks, this process may have stood still, and not its peers.
const STANDSTILL: Duration = Duration::from_secs(1);

/// Bytes that a frame takes beside its payload: its place in a queue that grows by doubling, and the buffer's own. More
/// rather than less, so that a peer cannot fill the memory with empty frames.
pub(crate) const FRAME: usize = 256;

/// When something last came from each peer, whatever it was.
struct Clock {
    start: Instant,
    /// Milliseconds since the start, and one; 0 for a peer that need not show that it is alive.
    last: Vec<AtomicU64>,
    /// Bytes that have come from each peer, as the operating system delivers them.
    bytes: Vec<AtomicU64>,
    /// When somebody here last looked whether the peers are alive.
    looked: AtomicU64,
}

impl Clock {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }
}

/// Notes that something came from a peer.
#[derive(Clone, Default)]
pub(crate) struct Heard(Option<(Arc<Clock>, usize)>);

impl Heard {
    pub fn hear(&self, bytes: usize) {
        if let Some((clock, from)) = &self.0 {
            clock.last[*from].store(clock.now(), Ordering::Relaxed);
            clock.bytes[*from].fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
}

/// One queue a peer. Links put frames in, the member takes them out.
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// Something arrived, or a queue ended.
    arrived: Condvar,
    /// Counts what would wake on `arrived`, to be watched without the lock.
    arrivals: AtomicU64,
    /// Something was consumed, or a queue ended.
    room: Condvar,
    clock: Arc<Clock>,
    /// Silence of a peer that is an error.
    silence: Duration,
    /// Where payloads are received into.
    pub buffers: Arc<Buffers>,
}

struct State {
    queues: Vec<Queue>,
    /// Whether the member waits on `arrived`, so that nobody wakes without need.
    receiving: bool,
    /// How many links wait on `room`.
    waiting_for_room: usize,
    /// The member is gone.
    gone: bool,
    /// Why this member was told to stop.
    interrupted: Option<String>,
    /// Where this member is, for its heartbeats; whom it waits for is in `waits`.
    place: Place,
    waits: Option<(usize, Instant)>,
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
    /// Where the peer said it is.
    place: Place,
    /// Of a frame that is coming: bytes that are there, and in all.
    partial: (usize, usize),
}

/// Why nothing more comes from a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// It closed its end, as a member does when it leaves.
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
    Trouble(Trouble),
}

/// What ends a wait for whomever it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// This member was told to stop.
    Interrupted(String),
    /// A peer's connection ended as it should not.
    Ended(usize, End),
    /// Nothing came from a peer for so long, not even a heartbeat.
    Silent(usize, Duration),
}

impl Queue {
    /// Bytes that the queue holds.
    fn held(&self) -> usize {
        self.payload + self.frames.len() * FRAME
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
        let zeros = || (0..members).map(|_| AtomicU64::new(0)).collect();
        Self {
            state: Mutex::new(state),
            arrived: Condvar::new(),
            arrivals: AtomicU64::new(0),
            room: Condvar::new(),
            clock: Arc::new(Clock {
                start: Instant::now(),
                last: zeros(),
                bytes: zeros(),
                looked: AtomicU64::new(0),
            }),
            silence,
            buffers: Arc::default(),
        }
    }

    /// From now on a peer has to be heard of.
    pub fn watch(&self, from: usize) -> Heard {
        let heard = Heard(Some((self.clock.clone(), from)));
        heard.hear(0);
        heard
    }

    /// Bytes that have come from a peer whose link counts them, as TCP's do.
    pub fn heard(&self, from: usize) -> Option<u64> {
        let counts = self.clock.last[from].load(Ordering::Relaxed) > 0;
        counts.then(|| self.clock.bytes[from].load(Ordering::Relaxed))
    }

    /// Ends this member's waits, now and later.
    pub fn interrupt(&self, cause: &str) {
        let mut state = self.lock();
        state.interrupted.get_or_insert_with(|| cause.to_owned());
        self.wake_receiver(state);
    }

    /// Where this member is.
    pub fn set_place(&self, node: &str, round: u32) {
        let mut state = self.lock();
        state.place.round = round;
        node.clone_into(&mut state.place.node);
    }

    /// What a heartbeat says now.
    pub fn place(&self) -> Place {
        let state = self.lock();
        let millis = |since: Instant| u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX);
        let waits = state.waits.map(|(whom, since)| (whom as u16, millis(since)));
        Place { waits, ..state.place.clone() }
    }

    /// Notes where a peer is.
    pub fn put_place(&self, from: usize, place: Place) {
        self.lock().queues[from].place = place;
    }

    /// Notes how much of a frame has come.
    pub fn put_partial(&self, from: usize, there: usize, length: usize) {
        self.lock().queues[from].partial = (there, length);
    }

    /// Who waits for whom, from a peer on, as the peers' heartbeats say: the last one waits for nobody that we know of.
    /// And how much has come of the frame that the peer is sending.
    pub fn chain(&self, from: usize, me: usize) -> (Vec<(usize, Place)>, (usize, usize)) {
        let state = self.lock();
        let mut chain: Vec<(usize, Place)> = vec![(from, state.queues[from].place.clone())];
        while let Some((_, Place { waits: Some((next, _)), .. })) = chain.last() {
            let next = usize::from(*next);
            if next == me || chain.iter().any(|(seen, _)| *seen == next) {
                break;
            }
            let Some(queue) = state.queues.get(next) else { break };
            chain.push((next, queue.place.clone()));
        }
        (chain, state.queues[from].partial)
    }

    /// What ends every wait, if there is anything.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble_in(&self.lock())
    }

    fn trouble_in(&self, state: &State) -> Option<Trouble> {
        if let Some(cause) = &state.interrupted {
            return Some(Trouble::Interrupted(cause.clone()));
        }
        let now = self.clock.now();
        let unseen = now.saturating_sub(self.clock.looked.swap(now, Ordering::Relaxed));
        if Duration::from_millis(unseen) > LOOK + STANDSTILL {
            self.forgive();
        }
        state.queues.iter().enumerate().find_map(|(peer, queue)| match &queue.end {
            // what it sent before stays to be read; who aborted has said why
            Some(End::Closed) => None,
            Some(end) => queue.abort.is_none().then(|| Trouble::Ended(peer, end.clone())),
            None => {
                let last = self.clock.last[peer].load(Ordering::Relaxed);
                let quiet = Duration::from_millis(now.saturating_sub(last));
                (last > 0 && quiet > self.silence).then_some(Trouble::Silent(peer, quiet))
            }
        })
    }

    /// After this process may have stood still its peers are given their time again: what they said meanwhile is yet to
    /// be read.
    fn forgive(&self) {
        for last in &self.clock.last {
            if last.load(Ordering::Relaxed) > 0 {
                last.store(self.clock.now(), Ordering::Relaxed);
            }
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

    /// Waits until no more than `ahead` bytes of payload are in the queue, or the time is over. Payload is what a plan
    /// counts: who may be so far ahead must not wait before the other side has all that it waits for.
    pub fn wait_room(&self, from: usize, ahead: usize, until: Instant) -> Room {
        self.wait_queue(from, until, |queue| queue.payload <= ahead)
    }

    /// Waits for room for one more frame with so many bytes of payload, for as long as it takes; an empty queue has room
    /// for any. The member is told that the queue is full. False if the member is gone.
    pub fn wait_admission(&self, from: usize, payload: usize, limit: usize) -> bool {
        let admits = |queue: &Queue| Self::admits(queue, payload, limit);
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
        Self::admits(&self.lock().queues[from], payload, limit)
    }

    fn admits(queue: &Queue, payload: usize, limit: usize) -> bool {
        queue.frames.is_empty() || queue.held().saturating_add(FRAME).saturating_add(payload) <= limit
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

    /// Takes the next frame from a peer. While there is none, an abort by anyone is what comes, or trouble with anyone.
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
            if let Some((by, notice)) = Self::abort_in(&state, now) {
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

    /// Sleeps until something arrives, or until then.
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
            if over || ended || Self::abort_in(&state, now).is_some() || self.trouble_in(&state).is_some() {
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

    /// Whether nothing more comes from a peer.
    pub fn has_ended(&self, from: usize) -> bool {
        let queue = &self.lock().queues[from];
        queue.abort.as_ref().map_or(queue.end.is_some(), |(at, _)| Queue::is_there(*at, Instant::now()))
    }

    /// Waits until it is known why nothing more comes from a peer, or why everybody stops, or the time is over.
    pub fn wait_ended(&self, from: usize, until: Instant) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let ended = state.queues[from].end.is_some() || self.trouble_in(&state).is_some();
            if ended || now >= until || Self::abort_in(&state, now).is_some() {
                return;
            }
            state = self.sleep(state, until, now);
        }
    }

    /// Waits for an abort by anyone who is there.
    pub fn wait_abort(&self, until: Instant) -> Option<(usize, AbortNotice)> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let abort = Self::abort_in(&state, now);
            let is_there = |peer: usize| self.clock.last[peer].load(Ordering::Relaxed) > 0;
            let ended = |(peer, queue): (usize, &Queue)| queue.end.is_some() || !is_there(peer);
            if abort.is_some() || now >= until || state.queues.iter().enumerate().all(ended) {
                return abort;
            }
            state = self.sleep(state, until, now);
        }
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
