//! Where the members are in the program, as heartbeats report it.

use std::time::Instant;

use super::Inbox;
use crate::frame::Place;

impl Inbox {
    /// Notes where this member is.
    pub fn set_place(&self, node: &str, round: u32) {
        let mut state = self.lock();
        state.place.round = round;
        node.clone_into(&mut state.place.node);
    }

    /// The place that a heartbeat reports now.
    pub fn place(&self) -> Place {
        let state = self.lock();
        let millis = |since: Instant| u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX);
        let waits = state.waits.map(|(peer, since)| (peer as u16, millis(since)));
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

    /// The chain of members that wait for each other, from a peer on, as their heartbeats report: the last one waits for
    /// no member that we know of. Also returns the bytes received of the frame that the peer is sending, and its length.
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
}
