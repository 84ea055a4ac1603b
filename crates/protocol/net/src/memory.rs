//! Links inside a process, which pass buffers by pointer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::frame::{Frame, FrameHeader};
use crate::inbox::{End, Inbox};
use crate::link::{Link, Room};
use crate::{Endpoint, Limits, MemberId, Shape};

/// Endpoints of a session whose members all live in this process, in order of `names`.
pub fn memory(names: &[&str], limits: &Limits) -> Vec<Endpoint> {
    connect(names, limits, None)
}

pub(crate) fn connect(names: &[&str], limits: &Limits, shape: Option<Shape>) -> Vec<Endpoint> {
    let all: Arc<[String]> = names.iter().map(|name| (*name).to_owned()).collect();
    let inboxes: Vec<_> = names.iter().map(|_| Arc::new(Inbox::new(names.len(), limits.silence))).collect();
    let link = |from: usize, to: usize| -> Option<Box<dyn Link>> {
        let wire = shape.map(|shape| Wire { shape, free: Mutex::new(Instant::now()) });
        (from != to).then(|| Box::new(MemoryLink { from, inbox: inboxes[to].clone(), wire }) as Box<dyn Link>)
    };
    (0..names.len())
        .map(|me| {
            let links = (0..names.len()).map(|to| link(me, to)).collect();
            Endpoint::new(MemberId::at(me), all.clone(), limits.clone(), inboxes[me].clone(), links)
        })
        .collect()
}

/// Puts frames straight into the peer's inbox.
struct MemoryLink {
    /// Our index at the peer.
    from: usize,
    /// The peer's.
    inbox: Arc<Inbox>,
    wire: Option<Wire>,
}

/// A simulated wire that carries one frame after another.
struct Wire {
    shape: Shape,
    /// The time at which it has carried all frames so far.
    free: Mutex<Instant>,
}

impl Wire {
    /// The arrival time of a frame that is posted now.
    fn arrival(&self, bytes: usize) -> Instant {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = (*free).max(Instant::now()) + self.shape.transmission(bytes);
        *free + self.shape.latency
    }
}

impl Link for MemoryLink {
    fn post(&self, frame: Frame) -> bool {
        let at = self.wire.as_ref().map(|wire| wire.arrival(FrameHeader::BYTES + frame.payload.len()));
        self.inbox.put(self.from, at, frame)
    }

    fn wait_room(&self, ahead: usize, until: Instant) -> Room {
        self.inbox.wait_room(self.from, ahead, until)
    }

    fn flush(&self, _until: Instant) -> Room {
        Room::Yes
    }

    fn abort(&self, frame: Frame, _until: Instant) {
        // On a shaped link an abort overtakes what is queued, as it does over TCP.
        let at = self.wire.as_ref().map(|wire| Instant::now() + wire.shape.latency);
        self.inbox.put(self.from, at, frame);
        self.inbox.end(self.from, End::Closed);
    }

    fn close(&self, _until: Instant) {
        self.inbox.end(self.from, End::Closed);
    }
}

impl Shape {
    /// The time for which this number of bytes occupies a wire.
    fn transmission(&self, bytes: usize) -> Duration {
        Duration::try_from_secs_f64(bytes as f64 * 8.0 / self.bits_per_second).unwrap_or_default()
    }
}
