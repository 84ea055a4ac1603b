//! How a member takes part in evaluations.

use std::sync::Arc;
use std::time::Duration;

use tacita_correlations::Overrides;
use tacita_net::Frame;

/// Settings of one member. All members of a session use the same `dealer_ahead`.
#[derive(Clone)]
pub struct Config {
    /// Longest wait for a peer in one step.
    pub timeout: Duration,
    /// Longest wait of a dealer for the parties' next evaluation, while they are connected.
    pub idle: Duration,
    /// Bytes of corrections that the dealer may be ahead of each party.
    pub dealer_ahead: usize,
    /// Whether this party computes while the dealer deals, or waits until that has dealt as much as it may deal ahead. Where
    /// members share a machine, apart each phase has it alone and is measured by itself.
    pub overlap: bool,
    /// What the members agreed on before they met, such as the hash of their session file: part of the session's id.
    pub context: [u8; 32],
    /// What tests observe and replace.
    #[doc(hidden)]
    pub hooks: Hooks,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            timeout: Duration::from_secs(120),
            idle: Duration::from_secs(3600),
            dealer_ahead: 64 << 20,
            overlap: false,
            context: [0; 32],
            hooks: Hooks::default(),
        }
    }
}

/// What a tap sees: sender, receiver, frame, before encryption.
pub type Tap = Arc<dyn Fn(usize, usize, &Frame) + Send + Sync>;

/// What a watch sees: a phase and a round.
pub type Watch = Arc<dyn Fn(&str, u32) + Send + Sync>;

/// Test doubles. A session with any of these set protects nothing.
#[derive(Clone, Default)]
#[doc(hidden)]
pub struct Hooks {
    /// Replaces the operating system's randomness: two sessions with the same seed send the same bytes.
    pub insecure_fixed_seed: Option<[u8; 32]>,
    /// Replaces streams.
    pub overrides: Option<Overrides>,
    /// Sees every frame that an evaluation sends.
    pub tap: Option<Tap>,
    /// Called where a member is: "session" once it has its links, "setup", "offline", "round" with its number, "reveal"
    /// before the first is sent; a dealer's are "session", "offline" and "dealt" with the number of tasks.
    pub place: Option<Watch>,
}

impl Hooks {
    pub(crate) fn at(&self, phase: &str, round: u32) {
        if let Some(place) = &self.place {
            place(phase, round);
        }
    }

    pub(crate) fn sent(&self, from: usize, to: usize, frame: &Frame) {
        if let Some(tap) = &self.tap {
            tap(from, to, frame);
        }
    }
}
