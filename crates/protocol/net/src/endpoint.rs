//! One member's side of all its links.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::buffers::Buffers;
use crate::counters::Counters;
use crate::frame::{AbortNotice, Frame, FrameHeader, Place};
use crate::inbox::{Arrival, End, Inbox, Trouble};
use crate::link::{Link, Room};
use crate::{Limits, MemberId, Meter, NetError, Phase};

/// The interval at which a wait for room checks for aborts.
const GLANCE: Duration = Duration::from_millis(20);
/// The longest time that an abort takes.
const FAREWELL: Duration = Duration::from_millis(250);

/// One member's side of all its links. It may move between threads but serves one thread at a time.
///
/// Dropping it sends the posted frames for at most [`Limits::linger`], then closes; peers that still wait get
/// [`NetError::Closed`].
pub struct Endpoint {
    id: MemberId,
    names: Arc<[String]>,
    limits: Limits,
    inbox: Arc<Inbox>,
    /// By member; `None` for this member.
    links: Vec<Option<Box<dyn Link>>>,
    meter: Meter,
    /// By member; `None` where there is no link.
    counters: Vec<Option<Counters>>,
    phase: Cell<Phase>,
    stopped: Cell<bool>,
    /// Counts this endpoint among those of a reception while it lives.
    _held: Option<Arc<()>>,
}

impl Endpoint {
    pub(crate) fn new(
        id: MemberId,
        names: Arc<[String]>,
        limits: Limits,
        inbox: Arc<Inbox>,
        links: Vec<Option<Box<dyn Link>>>,
    ) -> Self {
        let (phase, stopped, meter) = (Cell::default(), Cell::new(false), Meter::default());
        let peers = links.iter().zip(names.iter());
        let counters = peers.map(|(link, name)| link.as_ref().map(|_| Counters::new(name))).collect();
        Self { id, names, limits, inbox, links, meter, counters, phase, stopped, _held: None }
    }

    /// Keeps this token as long as the endpoint lives.
    pub(crate) fn holding(mut self, token: Arc<()>) -> Self {
        self._held = Some(token);
        self
    }

    /// This member.
    pub fn id(&self) -> MemberId {
        self.id
    }

    /// A member's name.
    ///
    /// # Panics
    /// If the session has no such member.
    pub fn name(&self, member: MemberId) -> &str {
        &self.names[member.index()]
    }

    /// The peers: every member with a link to this one, in order.
    pub fn members(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.links.iter().enumerate().filter(|(_, link)| link.is_some()).map(|(index, _)| MemberId::at(index))
    }

    /// The number of members in the session, including this one and any without a link.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// Sets this member's place in the program, which heartbeats report to the others.
    pub fn set_place(&self, node: &str, round: u32) {
        self.inbox.set_place(node, round);
    }

    /// A handle that ends this endpoint's waits from another thread.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(self.inbox.clone())
    }

    /// Queues a frame for a peer and never waits. The queue holds the sender's own data of the current round, so the
    /// caller bounds it.
    ///
    /// # Errors
    /// [`Closed`](NetError::Closed) or [`Aborted`](NetError::Aborted) if the peer is gone,
    /// [`TooLong`](NetError::TooLong) and [`WrongLength`](NetError::WrongLength) if the frame cannot be sent.
    pub fn post(&self, to: MemberId, frame: Frame) -> Result<(), NetError> {
        let link = self.link(to)?;
        self.check(to, &frame)?;
        let (task, payload) = (frame.header.task, frame.payload.len());
        if self.inbox.has_ended(to.index()) || !link.post(frame) {
            return Err(self.gone(to));
        }
        self.meter.sent(to, task, self.phase.get(), payload, link.wire_bytes(payload));
        self.tally(to, |counters| counters.sent(self.phase.get(), payload));
        Ok(())
    }

    /// Queues a frame without checking its header, to test the peer's reaction.
    #[doc(hidden)]
    pub fn post_unchecked_for_tests(&self, to: MemberId, frame: Frame) {
        if let Ok(link) = self.link(to) {
            link.post(frame);
        }
    }

    /// Queues a frame for a peer once at most `ahead` bytes are waiting for it. The trusted dealer sends this way: it
    /// receives nothing, so it may wait for its receivers without a deadlock.
    ///
    /// In memory, the bytes that wait are those that the peer has not consumed. Over TCP they are those that have not
    /// left this member; beyond them the peer holds up to [`Limits::inbound`], and the operating system its buffers.
    ///
    /// # Errors
    /// As [`post`](Self::post), [`Timeout`](NetError::Timeout) after [`Limits::room_wait`], and
    /// [`Aborted`](NetError::Aborted) if anyone aborts meanwhile.
    pub fn post_bounded(&self, to: MemberId, frame: Frame, ahead: usize) -> Result<(), NetError> {
        let link = self.link(to)?;
        self.check(to, &frame)?;
        self.wait_room(to, self.limits.room_wait, |until| link.wait_room(ahead, until))?;
        self.post(to, frame)
    }

    /// Waits until the operating system has taken everything posted (in memory: returns at once).
    ///
    /// # Errors
    /// [`Timeout`](NetError::Timeout), [`Closed`](NetError::Closed) and [`Aborted`](NetError::Aborted).
    pub fn flush(&self, timeout: Duration) -> Result<(), NetError> {
        let until = later(timeout);
        self.members().try_for_each(|to| {
            let link = self.link(to)?;
            self.wait_room(to, until.saturating_duration_since(Instant::now()), |until| link.flush(until))
        })
    }

    /// Waits in short intervals and checks for aborts between them.
    fn wait_room(
        &self,
        to: MemberId,
        timeout: Duration,
        wait: impl Fn(Instant) -> Room,
    ) -> Result<(), NetError> {
        let (start, until) = (Instant::now(), later(timeout));
        loop {
            if self.inbox.has_ended(to.index()) {
                return Err(self.gone(to));
            }
            match wait(until.min(later(GLANCE))) {
                Room::Yes => {
                    self.tally(to, |counters| counters.waited(start.elapsed().as_secs_f64()));
                    return Ok(());
                }
                Room::Gone => return Err(self.gone(to)),
                Room::No => {}
            }
            if let Some((by, notice)) = self.inbox.abort() {
                return Err(self.aborted(by, notice));
            }
            if let Some(trouble) = self.inbox.trouble() {
                return Err(self.troubled(trouble));
            }
            if Instant::now() >= until {
                return Err(self.timeout(to, start.elapsed(), "sending to", None));
            }
        }
    }

    /// Waits for the next frame from a peer, at most `timeout`.
    ///
    /// [`Aborted`](NetError::Aborted) if no frame is there and any peer aborts, [`Closed`](NetError::Closed) once all
    /// frames sent before the close are consumed, [`Cut`](NetError::Cut) if the connection ended in the middle of a
    /// frame, [`Timeout`](NetError::Timeout), and [`Malformed`](NetError::Malformed) or [`TooLong`](NetError::TooLong)
    /// if the peer sent bytes that are not a valid frame.
    pub fn receive(&self, from: MemberId, timeout: Duration) -> Result<Frame, NetError> {
        let link = self.link(from)?;
        let (start, before) = (Instant::now(), self.inbox.heard(from.index()));
        let arrival = self.inbox.take(from.index(), later(timeout));
        self.tally(from, |counters| counters.waited(start.elapsed().as_secs_f64()));
        match arrival {
            Arrival::Frame(frame) => {
                let payload = frame.payload.len();
                let wire = link.wire_bytes(payload);
                self.meter.received(from, frame.header.task, self.phase.get(), payload, wire);
                self.tally(from, |counters| counters.received(self.phase.get(), payload));
                Ok(frame)
            }
            Arrival::Abort(by, notice) => Err(self.aborted(by, notice)),
            Arrival::End(end) => Err(self.ended(from, end)),
            Arrival::Trouble(trouble) => Err(self.troubled(trouble)),
            Arrival::Timeout => {
                let came = self.inbox.heard(from.index()).zip(before).map(|(now, before)| now - before);
                Err(self.timeout(from, timeout, "receiving from", came))
            }
        }
    }

    /// Waits for an abort by any peer and for nothing else, also after this member's own abort. `None` once no peer can
    /// abort any more.
    pub(crate) fn wait_aborted(&self, timeout: Duration) -> Option<NetError> {
        let (by, notice) = self.inbox.wait_abort(later(timeout))?;
        Some(self.aborted(by, notice))
    }

    fn ended(&self, peer: MemberId, end: End) -> NetError {
        let peer = self.name(peer).to_owned();
        match end {
            End::Closed => NetError::Closed { peer },
            End::Cut(at) => NetError::Cut { peer, at },
            End::Malformed(what) => NetError::Malformed { peer, what },
            End::TooLong { length, limit } => NetError::TooLong { peer, length, limit },
        }
    }

    fn troubled(&self, trouble: Trouble) -> NetError {
        match trouble {
            Trouble::Interrupted(cause) => NetError::Interrupted { cause },
            Trouble::Ended(peer, end) => self.ended(MemberId::at(peer), end),
            Trouble::Silent(peer, quiet) => {
                NetError::Silent { peer: self.names[peer].clone(), seconds: quiet.as_secs_f64() }
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn chain_for_tests(&self, peer: MemberId) -> (Vec<(usize, Place)>, (usize, usize)) {
        self.inbox.chain(peer.index(), self.id.index())
    }

    /// Blames the last member in the chain of members that wait for each other. `came` counts the bytes from the peer
    /// meanwhile, complete frames or not: a slow link is not a cut one.
    fn timeout(&self, peer: MemberId, waited: Duration, doing: &'static str, came: Option<u64>) -> NetError {
        let (chain, (there, length)) = self.inbox.chain(peer.index(), self.id.index());
        let mut because = String::new();
        if let Some(bytes) = came {
            because += &format!(" ({bytes} bytes came from {} meanwhile)", self.name(peer));
        }
        if length > 0 {
            because += &format!(" ({there} of {length} bytes of a frame have come)");
        }
        for pair in chain.windows(2) {
            let [(waiting, place), (root, _)] = pair else { continue };
            let Place { node, round, waits } = place;
            let seconds = waits.map_or(0.0, |(_, millis)| f64::from(millis) / 1e3);
            let (waiting, root) = (&self.names[*waiting], &self.names[*root]);
            because +=
                &format!(", {waiting} waits for {root} since {seconds:.1} s at `{node}`, round {round}");
        }
        let root = chain.last().map_or(peer.index(), |(root, _)| *root);
        NetError::Timeout { peer: self.names[root].clone(), because, waited, doing }
    }

    /// Waits for the next frame from a peer and checks that its header equals the given one.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and [`Unexpected`](NetError::Unexpected) if another frame came.
    pub fn expect(&self, from: MemberId, header: FrameHeader, timeout: Duration) -> Result<Frame, NetError> {
        let frame = self.receive(from, timeout)?;
        if frame.header != header {
            let peer = self.name(from).to_owned();
            return Err(NetError::Unexpected { peer, expected: header, found: frame.header });
        }
        Ok(frame)
    }

    /// Payload bytes received from a peer and not consumed; 0 if the member is not a peer.
    pub fn buffered(&self, from: MemberId) -> usize {
        self.link(from).map_or(0, |_| self.inbox.arrived(from.index()))
    }

    /// Waits until this number of payload bytes is buffered from a peer, or no more can come: the inbound queue is
    /// full, the peer closed or somebody aborted (the next `receive` returns that error), or the time is over. Returns
    /// the number of buffered bytes.
    ///
    /// # Errors
    /// If there is no such peer.
    pub fn wait_buffered(&self, from: MemberId, bytes: usize, timeout: Duration) -> Result<usize, NetError> {
        self.link(from)?;
        let start = Instant::now();
        let there = self.inbox.wait_arrived(from.index(), bytes, self.limits.inbound, later(timeout));
        self.tally(from, |counters| counters.waited(start.elapsed().as_secs_f64()));
        Ok(there)
    }

    /// Tells every peer that this member stops, with the cause, and closes. Drops frames that were queued and not sent.
    /// Best effort, in bounded time. Afterwards every call that sends or receives returns
    /// [`Stopped`](NetError::Stopped). The cause is cut at 1024 bytes.
    pub fn abort(&self, cause: &str, node: &str, round: u32) {
        if self.stopped.replace(true) {
            return;
        }
        let frame = AbortNotice { node: node.to_owned(), round, cause: cause.to_owned() }.to_frame();
        let until = later(self.limits.linger);
        for link in self.links.iter().flatten() {
            link.abort(frame.clone(), until);
        }
        let until = until.min(later(FAREWELL));
        for link in self.links.iter().flatten() {
            link.flush(until);
        }
    }

    /// Sets the phase to which later traffic is charged; [`Phase::Setup`] at first.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// The pool that takes back the buffers of consumed payloads.
    pub fn buffers(&self) -> &Arc<Buffers> {
        &self.inbox.buffers
    }

    /// The traffic sent and received.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    fn tally(&self, peer: MemberId, how: impl FnOnce(&Counters)) {
        if let Some(Some(counters)) = self.counters.get(peer.index()) {
            how(counters);
        }
    }

    fn link(&self, member: MemberId) -> Result<&dyn Link, NetError> {
        if self.stopped.get() {
            return Err(NetError::Stopped);
        }
        self.links.get(member.index()).and_then(Option::as_deref).ok_or_else(|| NetError::NoSuchPeer {
            member: member.0,
            here: self.name(self.id).to_owned(),
            members: self.names.len(),
        })
    }

    fn check(&self, to: MemberId, frame: &Frame) -> Result<(), NetError> {
        let peer = || self.name(to).to_owned();
        let (stated, carried) = (frame.header.length, frame.payload.len() as u64);
        let limit = self.limits.max_frame as u64;
        if stated != carried {
            return Err(NetError::WrongLength { peer: peer(), stated, carried });
        }
        if carried > limit {
            return Err(NetError::TooLong { peer: peer(), length: carried, limit });
        }
        Ok(())
    }

    /// The reason why a link no longer takes frames. A peer's abort is a better explanation than a closed link.
    fn gone(&self, peer: MemberId) -> NetError {
        // sending can fail a moment before the reader sees the peer's last frames
        self.inbox.wait_ended(peer.index(), later(FAREWELL));
        match self.inbox.abort() {
            Some((by, notice)) => self.aborted(by, notice),
            None => match self.inbox.trouble() {
                Some(trouble) => self.troubled(trouble),
                None => NetError::Closed { peer: self.name(peer).to_owned() },
            },
        }
    }

    fn aborted(&self, by: usize, notice: AbortNotice) -> NetError {
        let AbortNotice { node, round, cause } = notice;
        NetError::Aborted { by: self.names[by].clone(), node, round, cause }
    }
}

/// Ends an endpoint's waits, from any thread.
#[derive(Clone)]
pub struct Interrupter(Arc<Inbox>);

impl Interrupter {
    /// Makes every waiting call of the endpoint, now or later, return [`Interrupted`](NetError::Interrupted) with this
    /// cause. [`Endpoint::abort`] still works, so that peers can be told.
    pub fn interrupt(&self, cause: &str) {
        self.0.interrupt(cause);
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if !self.stopped.get() {
            let (now, until) = (Instant::now(), later(self.limits.linger));
            // A peer that has closed or aborted needs no notice.
            let until = |peer: usize| if self.inbox.has_ended(peer) { now } else { until };
            let links =
                || self.links.iter().enumerate().filter_map(|(peer, link)| Some((peer, link.as_ref()?)));
            for (peer, link) in links() {
                link.close(until(peer));
            }
            for (peer, link) in links() {
                link.flush(until(peer));
            }
        }
        self.inbox.close();
    }
}

/// This much later than now. A time beyond the clock's range becomes a year.
fn later(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(365 * 24 * 3600))
}
