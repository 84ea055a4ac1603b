//! The time at which each peer was last heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A member that waits checks this often that its peers are alive.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// If the time between two checks is longer by this much, this process may have stood still, and not its peers.
const STANDSTILL: Duration = Duration::from_secs(1);

/// When bytes last came from each peer, heartbeats included.
pub(super) struct Clock {
    start: Instant,
    /// Milliseconds since the start, and one; 0 for a peer that need not show that it is alive.
    last: Vec<AtomicU64>,
    /// Bytes that have come from each peer, as the operating system delivers them.
    bytes: Vec<AtomicU64>,
    /// When this member last checked that its peers are alive.
    looked: AtomicU64,
}

impl Clock {
    pub(super) fn new(members: usize) -> Self {
        let zeros = || (0..members).map(|_| AtomicU64::new(0)).collect();
        Self { start: Instant::now(), last: zeros(), bytes: zeros(), looked: AtomicU64::new(0) }
    }

    /// Milliseconds since the start, and one.
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Whether a peer has to show that it is alive.
    pub(super) fn is_watched(&self, peer: usize) -> bool {
        self.last[peer].load(Ordering::Relaxed) > 0
    }

    /// Bytes that have come from a peer.
    pub(super) fn bytes(&self, peer: usize) -> u64 {
        self.bytes[peer].load(Ordering::Relaxed)
    }

    /// Notes a check that the peers are alive, and returns its time for [`quiet`](Self::quiet).
    pub(super) fn look(&self) -> u64 {
        let now = self.now();
        let unseen = now.saturating_sub(self.looked.swap(now, Ordering::Relaxed));
        if Duration::from_millis(unseen) > LOOK + STANDSTILL {
            self.forgive();
        }
        now
    }

    /// How long a peer that is watched has been silent at the time of a check.
    pub(super) fn quiet(&self, peer: usize, now: u64) -> Option<Duration> {
        let last = self.last[peer].load(Ordering::Relaxed);
        (last > 0).then(|| Duration::from_millis(now.saturating_sub(last)))
    }

    /// Restarts the time of every peer after this process may have stood still: bytes that they sent meanwhile are yet
    /// to be read.
    fn forgive(&self) {
        for last in &self.last {
            if last.load(Ordering::Relaxed) > 0 {
                last.store(self.now(), Ordering::Relaxed);
            }
        }
    }
}

/// Notes that bytes came from a peer.
#[derive(Clone, Default)]
pub(crate) struct Heard(Option<(Arc<Clock>, usize)>);

impl Heard {
    /// Notes for the peer of this index.
    pub(super) fn new(clock: Arc<Clock>, from: usize) -> Self {
        Self(Some((clock, from)))
    }

    pub fn hear(&self, bytes: usize) {
        if let Some((clock, from)) = &self.0 {
            clock.last[*from].store(clock.now(), Ordering::Relaxed);
            clock.bytes[*from].fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
}
