//! A world in one process: all computing parties, the dealer and data owners, each a thread with a state of its own.
//!
//! For tests, benchmarks and whoever wants to see a protocol run in a line; a program uses the `tacita` crate.

use std::sync::Arc;

use tacita_net::{Endpoint, Limits, memory};

use crate::config::Config;
use crate::data_owner::DataOwner;
use crate::dealer::{Dealer, Dealt};
use crate::error::MpcError;
use crate::leaves::Leaves;
use crate::party::{Outcome, Party};
use crate::plan::Plan;

/// Runs a plan some times in one new session over memory links. `leaves` holds the own leaves and the public ones of each
/// party, then of each data owner; `public` the public ones for the dealer. Outcomes are in the order of `leaves`.
///
/// # Errors
/// The first error of any member.
pub fn run(
    plan: &Arc<Plan>,
    leaves: &[Leaves],
    public: &Leaves,
    config: &Config,
    times: usize,
) -> Result<Vec<(Vec<Outcome>, Dealt)>, MpcError> {
    run_over(memory(&plan.member_names(), &Limits::default()), plan, leaves, public, config, times)
}

/// As [`run`], over given links: of the parties, the dealer, the data owners.
///
/// # Errors
/// The first error of any member.
pub fn run_over(
    mut endpoints: Vec<Endpoint>,
    plan: &Arc<Plan>,
    leaves: &[Leaves],
    public: &Leaves,
    config: &Config,
    times: usize,
) -> Result<Vec<(Vec<Outcome>, Dealt)>, MpcError> {
    if endpoints.len() <= plan.parties() {
        return Err(MpcError::Internal("a session without a dealer".into()));
    }
    let dealer = endpoints.remove(plan.parties());
    std::thread::scope(|scope| {
        let members: Vec<_> = endpoints
            .into_iter()
            .zip(leaves)
            .map(|(endpoint, leaves)| {
                let (plan, config) = (plan.clone(), config.clone());
                scope.spawn(move || -> Result<Vec<Outcome>, MpcError> {
                    if endpoint.id().index() > plan.parties() {
                        let mut owner = DataOwner::connect(endpoint, plan.parties(), config)?;
                        return (0..times).map(|_| owner.evaluate(&plan, leaves)).collect();
                    }
                    let mut party = Party::connect(endpoint, plan.parties(), config)?;
                    (0..times).map(|_| party.evaluate(&plan, leaves, None, &mut |_| ())).collect()
                })
            })
            .collect();
        let dealt = {
            let (plan, config) = (plan.clone(), config.clone());
            scope.spawn(move || -> Result<Vec<Dealt>, MpcError> {
                let mut dealer = Dealer::connect(dealer, plan.parties(), config)?;
                (0..times).map(|_| dealer.deal(&plan, public)).collect()
            })
        };
        let join = |e| MpcError::Internal(format!("a member's thread panicked: {e:?}"));
        let mut outcomes = Vec::new();
        for member in members {
            outcomes.push(member.join().map_err(join)?);
        }
        let dealt = dealt.join().map_err(join)?;
        let mut by_member = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut evaluations = Vec::with_capacity(times);
        for dealt in dealt?.into_iter().rev() {
            let outcomes: Vec<Outcome> = by_member.iter_mut().filter_map(Vec::pop).collect();
            evaluations.push((outcomes, dealt));
        }
        evaluations.reverse();
        Ok(evaluations)
    })
}
