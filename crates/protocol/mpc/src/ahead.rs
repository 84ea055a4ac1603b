//! Dealing ahead: a dealer who writes down what it would send, and members that read it later, when the dealer takes no
//! part.
//!
//! # Security
//! What is dealt is the same as in a session with a dealer: masks from a seed with each member, and corrections. The seeds
//! are not bound to a session's id but to what was written, so whoever keeps it must let it be used once: a second use
//! would open two values under one mask. [`Provider::begin`](tacita_correlations::Provider::begin) is where that is made sure, before anything is opened.
//! Seeds between parties are drawn in the session as always; the dealer never has them.

use tacita_correlations::Streams;
use tacita_net::{Frame, NetError};
use tacita_ring::Seed;

use crate::agreement::agreed;
use crate::config::Config;
use crate::dealer::deal_all;
use crate::error::MpcError;
use crate::handshake::mask_seed;
use crate::leaves::Leaves;
use crate::plan::Plan;

/// A dealer for a session in which it takes no part.
pub struct AheadDealer {
    parties: usize,
    /// By member; none of the dealer itself.
    seeds: Vec<Option<Seed>>,
    streams: Streams,
    config: Config,
    evaluations: u64,
}

impl AheadDealer {
    /// Draws a seed for each of so many parties and data owners.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(parties: usize, data_owners: usize) -> Result<AheadDealer, MpcError> {
        let draw = |member: usize| {
            let seed = (member != parties).then(Seed::random).transpose();
            seed.map_err(|error| MpcError::Randomness(error.to_string()))
        };
        let seeds = (0..parties + 1 + data_owners).map(draw).collect::<Result<Vec<_>, _>>()?;
        let mut streams: Vec<Option<Seed>> = seeds[..parties].to_vec();
        for shared in seeds.iter().skip(parties + 1) {
            streams.extend((0..parties).map(|party| shared.as_ref().map(|seed| mask_seed(seed, party))));
        }
        let streams = Streams::new(streams, None);
        Ok(AheadDealer { parties, seeds, streams, config: Config::default(), evaluations: 0 })
    }

    /// The seed that a member needs; none for the dealer.
    ///
    /// # Panics
    /// If there is no such member.
    pub fn seed(&self, member: usize) -> Option<&Seed> {
        self.seeds[member].as_ref()
    }

    /// Deals for the next evaluation, which gets the numbers 1, 2, … in turn. `deliver` takes each party's corrections, in
    /// the order in which the party needs them.
    ///
    /// # Errors
    /// If a correction cannot be delivered, or the plan is for another number of parties.
    pub fn deal(
        &mut self,
        plan: &Plan,
        public: &Leaves,
        deliver: &dyn Fn(usize, Frame) -> Result<(), NetError>,
    ) -> Result<(), MpcError> {
        if plan.parties() != self.parties || plan.data_owners.len() + plan.parties() + 1 != self.seeds.len() {
            return Err(MpcError::Internal("dealing ahead for other members".into()));
        }
        self.evaluations += 1;
        deal_all(plan, public, self.evaluations, &self.streams, &self.config, deliver).map(drop)
    }

    /// What the members will agree on before they evaluate this plan with these public leaves.
    pub fn digest(plan: &Plan, public: &Leaves) -> [u8; 32] {
        agreed(plan, public)
    }
}
