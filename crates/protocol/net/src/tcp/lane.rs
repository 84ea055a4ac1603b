//! The way out to a peer: queued frames, and the thread that writes them.

use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lane_state::{LaneState, Work, held_bytes};
use super::write::FrameWriter;
use crate::frame::Frame;
use crate::inbox::Inbox;
use crate::link::Room;
use crate::tls::{Connection, RECORD, TlsWriter};

/// The longest that a write to the socket blocks before the writer checks whether to give up. A post that writes itself
/// finds the socket full at most once until it drains, so it waits no longer than this.
const TURN: Duration = Duration::from_millis(5);

/// The way out to a peer: a queue, and a writer. The writer's own thread uses it. For a small frame and an empty queue,
/// the thread that posts uses it instead, which saves waking another.
pub(super) struct Lane<C> {
    /// This member's inbox, which knows the place that a heartbeat reports.
    inbox: Arc<Inbox>,
    heartbeat: Duration,
    /// The writer's socket.
    outward: TcpStream,
    state: Mutex<LaneState>,
    changed: Condvar,
    writer: Mutex<FrameWriter<C>>,
}

impl<C: Connection> Lane<C> {
    pub(super) fn new(writer: TlsWriter<C>, inbox: Arc<Inbox>, heartbeat: Duration) -> std::io::Result<Self> {
        writer.socket().set_write_timeout(Some(TURN))?;
        Ok(Self {
            inbox,
            heartbeat,
            outward: writer.socket().try_clone()?,
            state: Mutex::new(LaneState::new()),
            changed: Condvar::new(),
            writer: Mutex::new(FrameWriter::new(writer)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, LaneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a frame, or writes it. Returns false if the lane is dead or closes.
    pub(super) fn post(&self, frame: Frame) -> bool {
        let bytes = held_bytes(&frame);
        let mut state = self.lock();
        if state.dead || state.close.is_some() {
            return false;
        }
        let idle = state.held == 0 && !state.busy;
        state.held += bytes;
        if !idle || bytes > RECORD {
            state.queue.push_back(frame);
            drop(state);
            self.changed.notify_all();
            return true;
        }
        state.busy = true;
        drop(state);
        let written = {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.begin(&frame)
        };
        let mut state = self.lock();
        state.done(written, bytes);
        let (dead, idle) = (state.dead, state.held == 0);
        drop(state);
        if dead || !idle {
            self.changed.notify_all();
        }
        !dead
    }

    /// Waits until a condition is met, the lane is dead, or the time is over.
    pub(super) fn wait(&self, until: Instant, is_met: impl Fn(&LaneState) -> bool) -> Room {
        let mut state = self.lock();
        loop {
            if state.dead {
                return Room::Gone;
            }
            if is_met(&state) {
                return Room::Yes;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Room::No;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Drops the queued frames, except for those being written.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.held -= state.queue.iter().map(held_bytes).sum::<usize>();
        state.queue.clear();
    }

    /// Closes the lane once everything is sent, or at the given time.
    pub(super) fn close(&self, until: Instant) {
        let mut state = self.lock();
        state.close = Some(state.close.map_or(until, |close| close.min(until)));
        drop(state);
        self.changed.notify_all();
    }

    /// The writer's thread.
    pub(super) fn run(&self) {
        while let Some(work) = self.next() {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let give_up = || self.lock().close.is_some_and(|until| Instant::now() >= until);
            let (written, bytes) = match work {
                Work::Rest(bytes) => (writer.drain(&give_up), bytes),
                Work::Frames(frames, bytes) => (writer.write(&frames, &give_up), bytes),
                Work::Heartbeat => (writer.write(&[self.inbox.place().to_frame()], &give_up), 0),
                Work::Close => {
                    // Best effort: an end without a farewell ends the link, too.
                    let _ = writer.close(&give_up);
                    self.lock().die();
                    break;
                }
            };
            drop(writer);
            self.lock().done(written.map(|()| true), bytes);
            self.changed.notify_all();
        }
        let _ = self.outward.shutdown(Shutdown::Both);
        self.changed.notify_all();
    }

    /// Waits for work, and takes the writer for it. Returns `None` once the lane is dead.
    fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if state.dead {
                return None;
            }
            if !state.busy {
                let work = state.next_work();
                if let Some(work) = work {
                    state.busy = true;
                    return Some(work);
                }
            }
            let due = (state.sent + self.heartbeat).saturating_duration_since(Instant::now());
            if due.is_zero() && !state.busy {
                state.busy = true;
                return Some(Work::Heartbeat);
            }
            let due = due.max(TURN);
            state = self.changed.wait_timeout(state, due).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
