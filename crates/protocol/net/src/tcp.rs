//! Links over TCP: a thread that writes and a thread that reads for each peer.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::frame::{AbortNotice, Frame, FrameHeader, FrameKind, Place};
use crate::inbox::{End, Inbox};
use crate::link::{Link, Room};
use crate::tls::{BATCH, Connection, Plaintext, RECORD, RECORD_OVERHEAD, ReadError, TlsReader, TlsWriter};
use crate::{Limits, Payload};

/// The longest that a write to the socket blocks, after which the writer looks whether to give up. A post that
/// writes itself finds the socket full at most once until it drains, so it waits no longer than this.
const TURN: Duration = Duration::from_millis(5);

/// Bytes of a frame after which it is noted how much has come.
pub(crate) const PIECE: usize = 1 << 16;

/// One member's side of the link to one peer.
pub(crate) struct TcpLink<C> {
    lane: Arc<Lane<C>>,
    /// On which the peer's frames come.
    inward: TcpStream,
}

impl<C: Connection> TcpLink<C> {
    /// Starts the threads of a link to a peer.
    pub fn start(
        peer: usize,
        name: &str,
        writer: TlsWriter<C>,
        mut reader: TlsReader<C>,
        inbox: &Arc<Inbox>,
        limits: &Limits,
    ) -> std::io::Result<Self> {
        writer.socket().set_write_timeout(Some(TURN))?;
        let inward = reader.socket().try_clone()?;
        let lane = Arc::new(Lane {
            outward: writer.socket().try_clone()?,
            state: Mutex::new(LaneState::new()),
            changed: Condvar::new(),
            inbox: inbox.clone(),
            heartbeat: limits.heartbeat,
            writer: Mutex::new(FrameWriter { tls: writer, first: vec![0; RECORD] }),
        });
        let writing = lane.clone();
        thread::Builder::new().name(format!("to {name}")).spawn(move || writing.run())?;
        let (receiving, limits) = (inbox.clone(), limits.clone());
        reader.tell(inbox.watch(peer));
        thread::Builder::new()
            .name(format!("from {name}"))
            .spawn(move || read(reader, peer, &receiving, &limits))?;
        Ok(Self { lane, inward })
    }
}

impl<C: Connection> Link for TcpLink<C> {
    fn post(&self, frame: Frame) -> bool {
        self.lane.post(frame)
    }

    fn wait_room(&self, ahead: usize, until: Instant) -> Room {
        self.lane.wait(until, |state| state.held <= ahead)
    }

    fn flush(&self, until: Instant) -> Room {
        // a lane that closes has yet to say so; it is dead once it has, and the process may end
        self.lane.wait(until, |state| state.held == 0 && state.close.is_none())
    }

    fn abort(&self, frame: Frame, until: Instant) {
        self.lane.clear();
        self.lane.post(frame);
        self.close(until);
    }

    fn close(&self, until: Instant) {
        self.lane.close(until);
    }

    /// A frame begins a record of its own.
    fn wire_bytes(&self, payload: usize) -> u64 {
        let bytes = FrameHeader::BYTES + payload;
        (bytes + bytes.div_ceil(RECORD) * RECORD_OVERHEAD) as u64
    }
}

impl<C> Drop for TcpLink<C> {
    fn drop(&mut self) {
        // The reader then finds the end of the stream. It fails only if the connection is gone already.
        let _ = self.inward.shutdown(Shutdown::Both);
    }
}

/// The way out to a peer: a queue, and a writer that is used by its own thread or, for a small frame and an
/// empty queue, by the thread that posts, which saves waking another.
struct Lane<C> {
    /// This member's, for what its heartbeats say.
    inbox: Arc<Inbox>,
    heartbeat: Duration,
    /// The writer's socket.
    outward: TcpStream,
    state: Mutex<LaneState>,
    changed: Condvar,
    writer: Mutex<FrameWriter<C>>,
}

struct LaneState {
    queue: VecDeque<Frame>,
    /// Bytes of the frames in the queue and of those being written, headers included.
    held: usize,
    /// Of those being written, the bytes that a thread that posts left to the writer's thread.
    left: usize,
    /// Somebody has the writer.
    busy: bool,
    /// When to give up what is not sent, once the member closes.
    close: Option<Instant>,
    dead: bool,
    /// When something was last written.
    sent: Instant,
}

/// What the writer's thread does next.
enum Work {
    Frames(Vec<Frame>, usize),
    Rest(usize),
    Heartbeat,
    Close,
}

impl<C: Connection> Lane<C> {
    fn lock(&self) -> MutexGuard<'_, LaneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, frame: Frame) -> bool {
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
            writer.begin(&frame).and_then(|()| writer.tls.write()).map(|_| !writer.tls.is_pending())
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

    fn wait(&self, until: Instant, is_met: impl Fn(&LaneState) -> bool) -> Room {
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

    /// Drops what is queued, except for what is being written.
    fn clear(&self) {
        let mut state = self.lock();
        state.held -= state.queue.iter().map(held_bytes).sum::<usize>();
        state.queue.clear();
    }

    fn close(&self, until: Instant) {
        let mut state = self.lock();
        state.close = Some(state.close.map_or(until, |close| close.min(until)));
        drop(state);
        self.changed.notify_all();
    }

    /// The writer's thread.
    fn run(&self) {
        while let Some(work) = self.next() {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let give_up = || self.lock().close.is_some_and(|until| Instant::now() >= until);
            let (written, bytes) = match work {
                Work::Rest(bytes) => (writer.drain(&give_up), bytes),
                Work::Frames(frames, bytes) => (writer.write(&frames, &give_up), bytes),
                Work::Heartbeat => (writer.write(&[self.inbox.place().to_frame()], &give_up), 0),
                Work::Close => {
                    // Best effort: the peer takes an end without a farewell as an end, too.
                    let _ = writer.tls.seal_close().and_then(|()| writer.drain(&give_up));
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

    /// Waits for something to do; the writer is then ours. None once the lane is dead.
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

impl LaneState {
    fn new() -> Self {
        let sent = Instant::now();
        Self { queue: VecDeque::new(), held: 0, left: 0, busy: false, close: None, dead: false, sent }
    }

    fn next_work(&mut self) -> Option<Work> {
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
    fn done(&mut self, written: Result<bool, String>, bytes: usize) {
        self.busy = false;
        self.sent = Instant::now();
        match written {
            Ok(true) => self.held -= bytes,
            Ok(false) => self.left = bytes,
            Err(_) => self.die(),
        }
    }

    fn die(&mut self) {
        self.dead = true;
        self.queue.clear();
        self.held = 0;
    }
}

fn held_bytes(frame: &Frame) -> usize {
    FrameHeader::BYTES + frame.payload.len()
}

/// Turns frames into records.
struct FrameWriter<C> {
    tls: TlsWriter<C>,
    /// Where the header and the beginning of the payload meet, to go in one record.
    first: Vec<u8>,
}

impl<C: Connection> FrameWriter<C> {
    /// Seals a frame's header and as much of the payload as goes in the same record; the buffer has room.
    fn begin(&mut self, frame: &Frame) -> Result<(), String> {
        let bytes = frame.payload.bytes();
        let end = FrameHeader::BYTES + bytes.len().min(RECORD - FrameHeader::BYTES);
        self.first[..FrameHeader::BYTES].copy_from_slice(&frame.header.encode());
        self.first[FrameHeader::BYTES..end].copy_from_slice(&bytes[..end - FrameHeader::BYTES]);
        self.tls.seal(&self.first[..end])
    }

    /// Writes frames to the last byte.
    fn write(&mut self, frames: &[Frame], give_up: &impl Fn() -> bool) -> Result<(), String> {
        for frame in frames {
            if self.tls.room() == 0 {
                self.drain(give_up)?;
            }
            self.begin(frame)?;
            let mut rest = frame.payload.bytes().get(RECORD - FrameHeader::BYTES..).unwrap_or_default();
            while !rest.is_empty() {
                if self.tls.room() == 0 {
                    self.drain(give_up)?;
                }
                let (now, later) = rest.split_at(rest.len().min(self.tls.room()));
                self.tls.seal(now)?;
                rest = later;
            }
        }
        self.drain(give_up)
    }

    /// Writes what is sealed.
    fn drain(&mut self, give_up: &impl Fn() -> bool) -> Result<(), String> {
        while self.tls.is_pending() {
            if !self.tls.write()? && give_up() {
                return Err("the time to send what was posted is over".to_owned());
            }
        }
        Ok(())
    }
}

/// The reader's thread: puts frames from a peer into the inbox.
fn read<C: Connection>(mut reader: TlsReader<C>, from: usize, inbox: &Inbox, limits: &Limits) {
    let end = loop {
        if let Err(end) = read_frame(&mut reader, from, inbox, limits) {
            break end;
        }
    };
    inbox.end(from, end);
    // Whatever else the peer sends is not ours to hold. It fails only if the connection is gone already.
    let _ = reader.socket().shutdown(Shutdown::Both);
}

/// Reads a frame into the inbox. Nothing is allocated for it before its header is checked and there is room.
pub(crate) fn read_frame(
    reader: &mut impl Plaintext,
    from: usize,
    inbox: &Inbox,
    limits: &Limits,
) -> Result<(), End> {
    let mut header = [0; FrameHeader::BYTES];
    reader.read_exact(&mut header).map_err(|error| match error {
        ReadError::Closed { read: 0 } => End::Closed,
        ReadError::Ended { read: 0 } => End::Cut("without a word".to_owned()),
        ReadError::Closed { read } | ReadError::Ended { read } => {
            End::Cut(format!("after {read} bytes of a header"))
        }
        ReadError::Lost(cause) => End::Cut(cause),
        ReadError::Garbage(cause) => End::Malformed(cause),
    })?;
    let header = FrameHeader::decode(&header).map_err(|error| End::Malformed(error.to_string()))?;
    // what is about the session itself is short and waits for no room
    let (limit, is_queued) = match header.kind {
        FrameKind::Abort => (AbortNotice::BYTES, false),
        FrameKind::Heartbeat => (Place::BYTES, false),
        _ => (limits.max_frame, true),
    };
    let length = usize::try_from(header.length).unwrap_or(usize::MAX);
    if length > limit {
        return Err(End::TooLong { length: header.length, limit: limit as u64 });
    }
    if is_queued && !inbox.wait_admission(from, length, limits.inbound) {
        return Err(End::Closed);
    }
    let mut words = inbox.buffers.take(length.div_ceil(8));
    let bytes = &mut bytemuck::cast_slice_mut(&mut words)[..length];
    let mut there = 0;
    for piece in bytes.chunks_mut(PIECE) {
        if length > PIECE {
            inbox.put_partial(from, there, length);
        }
        reader.read_exact(piece).map_err(|error| match error {
            ReadError::Closed { read } | ReadError::Ended { read } => {
                End::Cut(format!("after {} of a frame's {length} bytes", there + read))
            }
            ReadError::Lost(cause) => End::Cut(cause),
            ReadError::Garbage(cause) => End::Malformed(cause),
        })?;
        there += piece.len();
    }
    if length > PIECE {
        inbox.put_partial(from, 0, 0);
    }
    let mut payload = Payload::from_padded(words, length);
    if header.kind == FrameKind::Control {
        payload = payload.into_secret();
    }
    if header.kind == FrameKind::Heartbeat {
        inbox.put_place(from, Place::from_payload(&payload));
        return Ok(());
    }
    if !inbox.put(from, None, Frame { header, payload }) {
        return Err(End::Closed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::Bytes;
    use crate::inbox::Arrival;
    use proptest::prelude::*;

    /// What a reader makes of these bytes: the frames, and how they end.
    fn parse(bytes: &[u8], limits: &Limits) -> (Vec<Frame>, End) {
        let (mut source, inbox, mut frames) =
            (Bytes(bytes), Inbox::new(1, Duration::from_secs(10)), Vec::new());
        loop {
            if let Err(end) = read_frame(&mut source, 0, &inbox, limits) {
                return (frames, end);
            }
            match inbox.take(0, Instant::now()) {
                Arrival::Frame(frame) => frames.push(frame),
                Arrival::Abort(_, notice) => return (frames, End::Malformed(notice.cause)),
                _ => panic!("a frame was put in"),
            }
        }
    }

    fn frames() -> impl Strategy<Value = Vec<Frame>> {
        let bytes = proptest::collection::vec(any::<u8>(), 0..200);
        let frame = (any::<u64>(), any::<u32>(), any::<u16>(), 0..5_usize, bytes).prop_map(
            |(evaluation, task, step, kind, bytes)| {
                Frame::new(evaluation, task, step, FrameKind::ALL[kind], bytes)
            },
        );
        proptest::collection::vec(frame, 0..8)
    }

    fn encode(frames: &[Frame]) -> Vec<u8> {
        frames.iter().flat_map(|frame| [&frame.header.encode()[..], frame.payload.bytes()].concat()).collect()
    }

    proptest! {
        #[test]
        fn frames_come_back(frames in frames()) {
            prop_assert_eq!(parse(&encode(&frames), &Limits::default()), (frames, End::Closed));
        }

        #[test]
        fn cut_frames_are_cut(frames in frames(), at: proptest::sample::Index) {
            let bytes = encode(&frames);
            let kept = at.index(bytes.len() + 1);
            let (read, end) = parse(&bytes[..kept], &Limits::default());
            prop_assert_eq!(&read[..], &frames[..read.len()]);
            let whole = encode(&read).len() == kept;
            prop_assert!(matches!((whole, end), (true, End::Closed) | (false, End::Cut(_))));
        }

        #[test]
        fn any_bytes_end_somehow(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), plausible: bool) {
            if plausible && bytes.len() >= FrameHeader::BYTES {
                bytes[14] = 1 + bytes[14] % 6;
                bytes[15] = 0;
                bytes[17..24].fill(0);
            }
            let limits = Limits { max_frame: 200, inbound: 100, ..Limits::default() };
            let (frames, _) = parse(&bytes, &limits);
            prop_assert!(frames.iter().all(|frame| frame.payload.len() <= limits.max_frame));
        }
    }
}
