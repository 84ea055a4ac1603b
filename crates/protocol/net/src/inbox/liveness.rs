//! The check that the peers are alive and this member may go on.

use super::arrival::Trouble;
use super::clock::Heard;
use super::queue::End;
use super::{Inbox, State};

impl Inbox {
    /// Watches a peer from now on: its silence is an error.
    pub fn watch(&self, from: usize) -> Heard {
        let heard = Heard::new(self.clock.clone(), from);
        heard.hear(0);
        heard
    }

    /// Bytes that have come from a peer whose link counts them, as TCP's do.
    pub fn heard(&self, from: usize) -> Option<u64> {
        self.clock.is_watched(from).then(|| self.clock.bytes(from))
    }

    /// The failure that ends every wait, if there is one.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble_in(&self.lock())
    }

    pub(super) fn trouble_in(&self, state: &State) -> Option<Trouble> {
        if let Some(cause) = &state.interrupted {
            return Some(Trouble::Interrupted(cause.clone()));
        }
        let now = self.clock.look();
        state.queues.iter().enumerate().find_map(|(peer, queue)| match &queue.end {
            // Frames that it sent before its farewell are still read. A peer that aborted has given its reason.
            Some(End::Closed) => None,
            Some(end) => queue.abort.is_none().then(|| Trouble::Ended(peer, end.clone())),
            None => {
                let quiet = self.clock.quiet(peer, now).filter(|quiet| *quiet > self.silence);
                quiet.map(|quiet| Trouble::Silent(peer, quiet))
            }
        })
    }
}
