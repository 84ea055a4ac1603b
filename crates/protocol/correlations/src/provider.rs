//! Providers: where a member takes corrections from if no dealer takes part.

use tacita_net::FrameHeader;
use tacita_ring::Seed;

/// Corrections that were dealt ahead for one member, to be used once. Errors are lines for people that name the cause.
pub trait Provider: Send {
    /// The seed that this member shares with the dealer.
    fn seed(&self) -> Seed;

    /// Called when all members have agreed on an evaluation, and before anything of it is opened. Returns only once it is
    /// certain, whatever happens to this process or machine, that these corrections are never used again.
    ///
    /// # Errors
    /// If they were used before, or were not dealt for this evaluation.
    fn begin(&mut self, evaluation: u64, digest: [u8; 32]) -> Result<(), String>;

    /// The next correction, which must have this header.
    ///
    /// # Errors
    /// If it has not, or there is none.
    fn next(&mut self, header: &FrameHeader) -> Result<Vec<u64>, String>;
}
