//! How a member takes part in evaluations.

use std::sync::Arc;
use std::time::Duration;

use tacita_net::Frame;

use crate::streams::Overrides;

/// Settings of one member. All members of a session use the same `dealer_ahead`.
#[derive(Clone)]
pub struct Config {
    /// Longest wait for a peer in one step.
    pub timeout: Duration,
    /// Bytes of corrections that the dealer may be ahead of each party.
    pub dealer_ahead: usize,
    /// What tests observe and replace.
    #[doc(hidden)]
    pub hooks: Hooks,
}

impl Default for Config {
    fn default() -> Self {
        Config { timeout: Duration::from_secs(120), dealer_ahead: 64 << 20, hooks: Hooks::default() }
    }
}

/// What a tap sees: sender, receiver, frame, before encryption.
pub type Tap = Arc<dyn Fn(usize, usize, &Frame) + Send + Sync>;

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
}

impl Hooks {
    pub(crate) fn sent(&self, from: usize, to: usize, frame: &Frame) {
        if let Some(tap) = &self.tap {
            tap(from, to, frame);
        }
    }
}
