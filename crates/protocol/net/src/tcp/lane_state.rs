//! The frames that wait in a lane, and the next task of its writer.

use std::collections::VecDeque;
use std::time::Instant;

use crate::frame::{Frame, FrameHeader};
use crate::tls::BATCH;

/// The frames that a lane holds, and the use of its writer.
pub(super) struct LaneState {
    pub(super) queue: VecDeque<Frame>,
    /// Bytes of the frames in the queue and of the frames being written, headers included.
    pub(super) held: usize,
    /// Bytes of the frames being written that the posting thread left to the writer's thread.
    left: usize,
    /// Whether a thread has the writer.
    pub(super) busy: bool,
    /// When to give up the frames that are not sent, once the member closes.
    pub(super) close: Option<Instant>,
    pub(super) dead: bool,
    /// When something was last written.
    pub(super) sent: Instant,
}

/// The next task of the writer's thread.
pub(super) enum Work {
    /// Write frames of so many bytes.
    Frames(Vec<Frame>, usize),
    /// Finish writing so many bytes that the posting thread left.
    Rest(usize),
    /// Write a heartbeat.
    Heartbeat,
    /// Write the farewell.
    Close,
}

impl LaneState {
    pub(super) fn new() -> Self {
        let sent = Instant::now();
        Self { queue: VecDeque::new(), held: 0, left: 0, busy: false, close: None, dead: false, sent }
    }

    /// Takes the next task, if there is one beside a heartbeat.
    pub(super) fn next_work(&mut self) -> Option<Work> {
        if self.left > 0 {
            return Some(Work::Rest(std::mem::take(&mut self.left)));
        }
        let (mut frames, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH
            && let Some(frame) = self.queue.pop_front()
        {
            bytes += held_bytes(&frame);
            frames.push(frame);
        }
        if !frames.is_empty() {
            return Some(Work::Frames(frames, bytes));
        }
        self.close.is_some().then_some(Work::Close)
    }

    /// Gives the writer back after so many bytes, all written or some left.
    pub(super) fn done(&mut self, written: Result<bool, String>, bytes: usize) {
        self.busy = false;
        self.sent = Instant::now();
        match written {
            Ok(true) => self.held -= bytes,
            Ok(false) => self.left = bytes,
            Err(_) => self.die(),
        }
    }

    /// Drops everything: the connection is gone.
    pub(super) fn die(&mut self) {
        self.dead = true;
        self.queue.clear();
        self.held = 0;
    }
}

/// Bytes of a frame, header included.
pub(super) fn held_bytes(frame: &Frame) -> usize {
    FrameHeader::BYTES + frame.payload.len()
}
